"""What the connector tells the outside: JSON log lines and a termination message."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

from chartly_connector.secrets import Credential, redacted
from chartly_spool.segment import End

MESSAGE_LIMIT = 4096


class JsonLines(logging.Formatter):
    """One JSON object a line, without the credential's value."""

    def __init__(self, credential: Credential | None = None) -> None:
        super().__init__()
        self._credential = credential

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage(), self._credential),
        }
        if record.exc_info:
            line["trace"] = redacted(self.formatException(record.exc_info), self._credential)
        return json.dumps(line)


def log_to(stream: TextIO, credential: Credential | None) -> None:
    """Sends the connector's log lines to ``stream``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(credential))
    root = logging.getLogger("chartly_connector")
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


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
