"""What the connector tells the outside: JSON log lines, a termination message, metrics."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry, Counter, write_to_textfile

from chartly_connector.secrets import Credential, redacted
from chartly_spool.segment import Counters, End

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


def metrics(counters: Counters, *, tenant: str, project: str, connector: str) -> CollectorRegistry:
    """The connector's metrics (contracts section 10)."""
    registry = CollectorRegistry()
    names = ("tenant", "project", "connector")
    labels = {"tenant": tenant, "project": project, "connector": connector}
    requests = Counter(
        "chartly_connector_requests",
        "HTTP responses by status",
        (*names, "code"),
        registry=registry,
    )
    for code, count in counters.codes.items():
        requests.labels(**labels, code=code).inc(count)
    for name, meaning, value in (
        ("bytes_ingested", "bytes read from the wire", counters.bytes),
        ("retries", "requests that were tried again", counters.retries),
        ("throttled_seconds", "seconds waited for limits and back-off", counters.throttled_seconds),
    ):
        counter = Counter(f"chartly_connector_{name}", meaning, names, registry=registry)
        counter.labels(**labels).inc(value)
    return registry


def write_metrics(registry: CollectorRegistry, path: Path) -> None:
    """The metrics as a Prometheus text file, whole or not at all."""
    write_to_textfile(str(path), registry)


def say(text: str) -> None:
    """One line on standard error, for a person."""
    sys.stderr.write(text + "\n")
