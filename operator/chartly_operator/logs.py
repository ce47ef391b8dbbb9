"""Logs as JSON on stderr, one line for each record."""

import json
import logging
import sys
from datetime import UTC, datetime

_KOPF = ("kopf", "kopf.objects", "kopf.activities")


class JsonFormatter(logging.Formatter):
    """One line of JSON; of an exception only its type, since its text may contain a secret."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def set_up(level: str) -> None:
    """Sends every log to stderr; kopf's only from warnings on, since it logs each event."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _KOPF:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
