"""What a load warns of although it succeeds, and one bad record among good ones."""

import pytest

from chartly.errors import Reason
from chartly_store.project_store import ProjectStore
from support.loaded import adds_up, events
from support.loading import load_pages, page, sale, sales_plan

LOST = {"normalizer": {"spec.mapping.nobody": "$.totals.nobody"}}
NEVER = ("MappingNeverMatched", "mapping.nobody")


def _told(result):
    return [(one.reason.value, one.object) for one in result.warnings]


def test_a_path_that_led_nowhere_is_told_of_the_whole_run(engine, project, tmp_path):
    plan = sales_plan(project, LOST)
    result = load_pages(engine, plan, tmp_path, [page([sale("a")]), page([sale("b")])])
    assert (result.reason, _told(result)) == (Reason.SUCCEEDED, [NEVER])
    (warning,) = result.warnings
    assert (
        warning.message
        == "path '$.totals.nobody' matched nothing in the records that were read (2)"
    )


def test_it_is_told_where_every_record_is_rejected(engine, project, tmp_path):
    changes = {"spec.mapping.amount": "$.totals.ammount", "spec.requiredFields": ["event_id", "occurred_at", "amount"]}  # fmt: skip
    plan = sales_plan(project, {"normalizer": changes})
    result = load_pages(engine, plan, tmp_path, [page([sale("a")])])
    assert result.reason is Reason.REJECT_THRESHOLD
    assert _told(result) == [("MappingNeverMatched", "mapping.amount")]


def test_nothing_is_told_of_what_matched_in_an_earlier_attempt(engine, project, tmp_path):
    plan = sales_plan(project, LOST)
    first = page([sale("a")]).replace(b'"totals": {', b'"totals": {"nobody": "x", ')
    assert b"nobody" in first
    cut = load_pages(engine, plan, tmp_path, [first, b'{"data": ['])
    assert (cut.reason, _told(cut)) == (Reason.UPSTREAM_UNAVAILABLE, [])
    again = load_pages(engine, plan, tmp_path, [first, page([sale("b")])])
    assert (again.reason, again.counts["loaded"], _told(again)) == (Reason.SUCCEEDED, 2, [])


def test_it_is_told_by_an_attempt_that_goes_on(engine, project, tmp_path):
    plan = sales_plan(project, LOST)
    pages = [page([sale("a")]), page([sale("b")])]
    load_pages(engine, plan, tmp_path, [pages[0], b'{"data": ['])
    again = load_pages(engine, plan, tmp_path, pages)
    assert (again.counts["loaded"], _told(again)) == (2, [NEVER])


def test_keys_that_stand_twice_are_told(engine, project, tmp_path):
    plan = sales_plan(project)
    body = page([sale("a")]).replace(b'"id": "a"', b'"id": "x", "id": "a"')
    result = load_pages(engine, plan, tmp_path, [body])
    assert ("DuplicateKeys", "id") in _told(result)
    assert [row[0] for row in events(engine, plan)] == ["a"]


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        (b'"skipped": "\\ud800"', "NotUnicode"),
        (b'"skipped": "\xff"', "NotUnicode"),
        (b'"skipped": NaN', "NotJson"),
    ],
)
def test_one_record_that_is_no_json_is_one_reject(engine, project, tmp_path, flaw, reason):
    """INV-4."""
    plan = sales_plan(project)
    bad = page([sale("a"), sale("b"), sale("c")]).replace(b'"id": "b"', b'"id": "b", ' + flaw)
    result = load_pages(engine, plan, tmp_path, [bad, page([sale("d")])])
    assert result.reason is Reason.SUCCEEDED, result.message
    assert (result.counts["read"], result.counts["rejected"]) == (4, 1)
    assert adds_up(result)
    assert sorted(row[0] for row in events(engine, plan)) == ["a", "c", "d"]
    store = ProjectStore(engine, plan.project)
    (reject,) = engine.rows(
        f"SELECT reason, path, raw_ref FROM {store.database}.sales_events__rejected"
    )
    assert reject[:2] == (reason, "$.skipped")
    assert str(reject[2]).endswith("#1")
