"""The connector's output: JSON log lines and a termination message."""

import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TextIO

from chartly_connector.secrets import Credential, redacted
from chartly_spool import log_lines
from chartly_spool.segment import End

MESSAGE_LIMIT = 4096


def log_to(stream: TextIO, credential: Credential | None) -> None:
    """Writes the connector's log lines to ``stream``."""
    log_lines.log_to(stream, ("chartly_connector",), partial(redacted, credential=credential))


def termination(end: End, credential: Credential | None) -> str:
    """The termination message: at most 4 KiB of JSON."""
    message = redacted(end.message, credential)[:1000]
    content = {"reason": end.reason.value, "counters": asdict(end.counters)}
    document = json.dumps({**content, "message": message})
    while message and len(document) > MESSAGE_LIMIT:
        message = message[: len(message) // 2]
        document = json.dumps({**content, "message": message})
    return document


def print_line(line: str) -> None:
    """Prints a line on standard error."""
    sys.stderr.write(line + "\n")
