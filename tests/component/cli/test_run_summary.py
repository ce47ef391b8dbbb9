"""The summary of a run: numbers with their nouns, and nothing claimed that is not known."""

from types import SimpleNamespace

import pytest

from chartly.errors import Reason
from chartly_cli.commands.run import summary
from chartly_spool.segment import Counters

NAMES = (
    "read",
    "loaded",
    "rejected",
    "duplicate",
    "filtered",
    "late",
    "corrected",
    "pages",
    "bytes",
)


def pages_line(reason, counters, **counts):
    result = SimpleNamespace(
        reason=reason,
        counts={**dict.fromkeys(NAMES, 0), **counts},
        counters=counters,
        outputs=[SimpleNamespace(sealed=0, dataset="daily", rows=1, windows=1, fingerprint="f")],
        warnings=(),
        audited=True,
        audit_head="h",
    )
    intent = SimpleNamespace(run_id="r", attempt=1, config_digest="d")
    report = SimpleNamespace(
        result=result, intent=intent, continued=False, workflow="w", seconds=1.0, folder="f"
    )
    lines = dict(line.split("  ", 1) for line in summary(report).splitlines())
    assert lines["output daily"].strip() == "1 row, 1 window computed, fingerprint f"
    return lines["pages"].strip()


@pytest.mark.parametrize(
    ("reason", "counters", "says", "because"),
    [
        (Reason.SUCCEEDED, Counters(2, 2, 0, 9), "2 (2 requests, 0 retries, 1 byte)", "counted"),
        (Reason.SUCCEEDED, Counters(1, 1, 1, 9), "2 (1 request, 1 retry, 1 byte)", "one of each"),
        (Reason.SUCCEEDED, Counters(), "2 (0 requests, 0 retries, 1 byte)", "none were needed"),
        (Reason.SECRET_MISSING, Counters(), "2 (0 requests, 0 retries, 1 byte)", "none was sent"),
        (Reason.CANCELLED, Counters(), "2 (requests not known, 1 byte)", "Ctrl-C"),
        (Reason.DEADLINE_EXCEEDED, Counters(), "2 (requests not known, 1 byte)", "too long"),
        (Reason.STORE_UNAVAILABLE, Counters(), "2 (requests not known, 1 byte)", "the loader ended"),
        (Reason.CANCELLED, Counters(2, 3, 1), "2 (3 requests, 1 retry, 1 byte)", "cut off later"),
    ],
)  # fmt: skip
def test_requests_that_nobody_counted_are_not_zero(reason, counters, says, because):
    assert pages_line(reason, counters, pages=2, bytes=1) == says, because
