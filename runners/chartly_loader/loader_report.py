"""The loader's output: JSON log lines and a termination message."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

from chartly.warning import warning_documents
from chartly_loader.load_request import LoadResult
from chartly_spool import log_lines

MESSAGE_LIMIT = 4096
"""Bytes of a termination message that Kubernetes keeps."""
_SENTENCE = 1000
Redact = Callable[[str], str]


def log_to(stream: TextIO, redact: Redact = str) -> None:
    """Writes the log lines of the process to ``stream``."""
    log_lines.log_to(stream, ("chartly_loader", "chartly_store"), redact)
    # The engine's adapter reports each failure once, in one sentence.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)


def termination(result: LoadResult, redact: Redact, *, recorded: bool) -> str:
    """The termination message; where it is too long, messages and outputs go, the counts stay."""
    content: dict[str, Any] = {
        "reason": result.reason.value,
        "message": redact(result.message)[:_SENTENCE],
        "counts": result.counts,
        "counters": asdict(result.counters),
        "outputs": [asdict(output) for output in result.outputs],
        "auditHead": result.audit_head,
        "audited": result.audited,
        "seconds": result.seconds,
        "recorded": recorded,
        "warnings": [
            {**warning, "message": redact(str(warning["message"]))}
            for warning in warning_documents(result.warnings)
        ],
    }
    # JSON in ASCII: as many bytes as characters.
    while len(document := json.dumps(content)) > MESSAGE_LIMIT:
        _shorten(content)
    return document


def _shorten(content: dict[str, Any]) -> None:
    """Removes the least important part."""
    if content["message"]:
        content["message"] = content["message"][: len(content["message"]) // 2]
    elif content["outputs"]:
        content["outputs"].pop()
        content["outputsLeftOut"] = content.get("outputsLeftOut", 0) + 1
    elif content["counters"]["codes"]:
        content["counters"]["codes"] = {}
    else:
        content["warnings"].pop()
        content["warningsLeftOut"] = content.get("warningsLeftOut", 0) + 1
