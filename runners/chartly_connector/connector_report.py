"""What the connector tells the outside: JSON log lines and a termination message."""

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
    """Sends the connector's log lines to ``stream``."""
    log_lines.log_to(stream, ("chartly_connector",), partial(redacted, credential=credential))


def termination(end: End, credential: Credential | None) -> str:
    """The termination message: at most 4 KiB of JSON."""
    message = redacted(end.message, credential)[:1000]
    content = {"reason": end.reason.value, "counters": asdict(end.counters)}
    text = json.dumps({**content, "message": message})
    while message and len(text) > MESSAGE_LIMIT:
        message = message[: len(message) // 2]
        text = json.dumps({**content, "message": message})
    return text


def say(text: str) -> None:
    """One line on standard error, for a person."""
    sys.stderr.write(text + "\n")
