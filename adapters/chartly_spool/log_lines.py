"""The log of connector and loader: one JSON object a line."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO


class JsonLines(logging.Formatter):
    """One JSON object a line, with its values redacted (INV-6)."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(line)


def log_to(stream: TextIO, packages: tuple[str, ...], redact: Callable[[str], str]) -> None:
    """Writes the log lines of these packages to ``stream``, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(redact))
    for package in packages:
        logger = logging.getLogger(package)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
