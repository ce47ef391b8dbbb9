import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.warning import (
    MAX_MESSAGE,
    MAX_OBJECT,
    MAX_WARNINGS,
    WARNINGS,
    RunWarning,
    WarningReason,
    merge_warnings,
    parse_warnings,
    warning_documents,
)

WARNING = st.builds(
    RunWarning,
    reason=st.sampled_from(WarningReason),
    object=st.sampled_from([f"field{number}" for number in range(20)] + ["x" * 2 * MAX_OBJECT]),
    message=st.text(max_size=2 * MAX_MESSAGE),
    count=st.integers(1, 100),
)


def test_every_warning_has_a_meaning():
    assert set(WARNINGS) == set(WarningReason)
    assert len(WarningReason) <= MAX_WARNINGS


@given(st.lists(WARNING, max_size=60))
def test_merging_bounds_warnings_and_keeps_every_reason_and_count(warnings):
    kept = merge_warnings(warnings)
    assert len(kept) <= MAX_WARNINGS
    assert all(len(one.message) <= MAX_MESSAGE for one in kept)
    assert all(len(one.object) <= MAX_OBJECT for one in kept)
    assert len({(one.reason, one.object) for one in kept}) == len(kept)
    for reason in WarningReason:
        assert sum(one.count for one in kept if one.reason is reason) == sum(
            one.count for one in warnings if one.reason is reason
        )


@given(st.lists(WARNING, max_size=60))
def test_merging_what_is_merged_changes_nothing(warnings):
    assert merge_warnings(merge_warnings(warnings)) == merge_warnings(warnings)


@given(st.lists(WARNING, max_size=20))
def test_what_is_written_is_parsed(warnings):
    assert parse_warnings(json.loads(json.dumps(warning_documents(warnings)))) == tuple(warnings)


WRITTEN = {"reason": "DuplicateKeys", "object": "records", "message": "a key twice", "count": 2}


@pytest.mark.parametrize(
    ("raw", "because"),
    [
        ({}, "no list"),
        ([1], "no object"),
        ([{**WRITTEN, "count": 0}], "never met"),
        ([{**WRITTEN, "count": True}], "a boolean"),
        ([{**WRITTEN, "message": None}], "null"),
        ([{**WRITTEN, "extra": 1}], "an unknown member"),
        ([{"reason": "DuplicateKeys"}], "members are missing"),
    ],
)
def test_warnings_of_another_form_are_refused(raw, because):
    with pytest.raises(ValueError, match="warnings"):
        parse_warnings(raw)
    assert parse_warnings([WRITTEN]), because


def test_a_warning_of_a_newer_version_keeps_its_word():
    """Whoever reads an older run's end must not fail on it."""
    [warning] = parse_warnings([{**WRITTEN, "reason": "Surprise", "message": "x" * MAX_MESSAGE}])
    assert warning.reason is WarningReason.UNCLASSIFIED
    assert warning.message.startswith("Surprise: xxx")
    assert len(warning.message) == MAX_MESSAGE
