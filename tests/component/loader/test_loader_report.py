"""The termination message: whole counts in at most 4 KiB."""

import json

import pytest

from chartly.errors import Reason
from chartly.warning import RunWarning, WarningReason
from chartly_loader.load_request import LoadResult
from chartly_loader.loader_report import MESSAGE_LIMIT, termination
from chartly_spool.segment import Counters
from chartly_store.rollup import RollupResult

COUNTS = {"pages": 2, "bytes": 10, "read": 5, "loaded": 3, "rejected": 1, "duplicate": 1, "filtered": 0, "late": 0, "corrected": 0}  # fmt: skip
OUTPUT = RollupResult("d" * 40, 10**6, 10**6, 10**9, "f" * 60)
CODES = {str(code): 10**6 for code in range(100, 600)}


def result(message="", outputs=0, codes=None, warnings=()):
    counters = Counters(2, 2, 0, 10, 0.5, codes or {"200": 2})
    return LoadResult(
        Reason.LIMIT_REACHED, message, COUNTS, counters, (OUTPUT,) * outputs, "9:abc", audited=True, seconds={"load": 1.5},
        warnings=warnings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "outputs", "codes", "because"),
    [
        ("", 0, None, "nothing to shorten"),
        ("short", 3, None, "all of it fits"),
        ("x" * 5000, 0, None, "a sentence is not longer than this"),
        ("漢" * 5000, 0, None, "six bytes a character"),
        ("\0" * 5000, 5, None, "so are these"),
        ("x" * 5000, 64, None, "outputs go after words"),
        ("x" * 5000, 64, CODES, "and codes last"),
    ],
)
def test_it_always_fits_and_always_has_the_counts(message, outputs, codes, because):
    text = termination(result(message, outputs, codes), str, recorded=False)
    assert len(text.encode()) <= MESSAGE_LIMIT, because
    told = json.loads(text)
    assert told["counts"] == COUNTS
    assert (told["reason"], told["auditHead"], told["audited"]) == ("LimitReached", "9:abc", True)
    assert told["counters"]["requests"] == 2
    assert len(told["outputs"]) + told.get("outputsLeftOut", 0) == outputs
    if outputs <= 5:
        assert "outputsLeftOut" not in told


@pytest.mark.parametrize(("text", "kept"), [("x", 10), ("x" * 300, 9), ("漢" * 300, 1)])
def test_warnings_stay_as_far_as_they_fit(text, kept):
    warnings = tuple(
        RunWarning(WarningReason.MAPPING_NEVER_MATCHED, f"mapping.f{number}", text, number + 1)
        for number in range(10)
    )
    message = termination(result("x" * 5000, 3, CODES, warnings), str, recorded=False)
    assert len(message.encode()) <= MESSAGE_LIMIT
    told = json.loads(message)
    assert told["counts"] == COUNTS
    assert len(told["warnings"]) >= kept
    assert len(told["warnings"]) + told.get("warningsLeftOut", 0) == 10
    assert told["warnings"][0]["count"] == 1


def test_it_holds_no_secret():
    """INV-6."""
    text = termination(result("over canary"), lambda one: one.replace("canary", "***"), recorded=True)  # fmt: skip
    assert json.loads(text)["message"] == "over ***"
    warning = RunWarning(WarningReason.CREDENTIAL_ECHOED, "a page", "canary came back")
    text = termination(
        result(warnings=(warning,)), lambda one: one.replace("canary", "***"), recorded=True
    )
    assert json.loads(text)["warnings"][0]["message"] == "*** came back"
