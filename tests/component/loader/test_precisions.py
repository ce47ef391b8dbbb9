"""Instants of three, six and nine digits from a page to the store, and what depends on them."""

from datetime import UTC, datetime

import pytest

from chartly.api.event_schema import event_schema
from chartly_store.event_table import EventTable
from chartly_store.project_store import ProjectStore
from support.loaded import adds_up, events
from support.loading import load_pages, page, sale, sales_plan

TIME = {"op": "toUtcTimestamp", "field": "occurred_at"}
NUMBER = {"op": "toNumber", "field": "amount"}
LAST = {3: "999", 6: "999999", 9: "999999999"}
"""The last unit of a second."""


def _plan(project, digits, *, normalizer=(), storage=()):
    """The playbook's plan with a time column of so many digits."""
    return sales_plan(
        project,
        {
            "normalizer": dict(normalizer),
            "storage": {
                "spec.columns": {"occurred_at": f"Timestamp({digits})"},
                "spec.retentionDays": None,
                **dict(storage),
            },
        },
    )


def _three(project):
    """One instant in columns of each precision, cut where it is finer."""
    fields = {digits: f"at{digits}" for digits in LAST}
    mapping = {
        "event_id": "$.id",
        "occurred_at": "$.timestamp",
        "amount": "$.totals.amount",
        "currency": "$.totals.currency",
        "customer_id": "$.customer.id",
        **dict.fromkeys(fields.values(), "$.timestamp"),
    }
    cut = [
        {"op": "toUtcTimestamp", "field": name, "excess": "truncate"} for name in fields.values()
    ]
    columns = {name: f"Timestamp({digits})" for digits, name in fields.items()}
    return sales_plan(
        project,
        {
            "normalizer": {
                "spec.mapping": mapping,
                "spec.transforms": [NUMBER, {**TIME, "excess": "truncate"}, *cut],
            },
            "storage": {"spec.columns": columns, "spec.retentionDays": None},
        },
    )


@pytest.mark.parametrize(
    ("moment", "cut"),
    [
        ("2026-02-02T10:15:00.123456789Z", ("123", "123456", "123456789")),
        ("1969-12-31T23:59:59.999999999Z", ("999", "999999", "999999999")),
        ("1905-06-15T12:00:00.000000001Z", ("000", "000000", "000000001")),
        ("2106-02-07T06:28:16.5Z", ("500", "500000", "500000000")),
        ("2261-12-31T23:59:59.999999999Z", ("999", "999999", "999999999")),
    ],
)
def test_three_precisions_live_in_one_dataset(engine, project, tmp_path, moment, cut):
    plan = _three(project)
    result = load_pages(engine, plan, tmp_path, [page([sale("a", "1", moment)])])
    assert (result.counts["loaded"], adds_up(result)) == (1, True), result.message
    (row,) = events(engine, plan, "toString(at3), toString(at6), toString(at9), occurred_at = at6")
    second = moment[:19].replace("T", " ")
    assert row == (*(f"{second}.{fraction}" for fraction in cut), True), "six where none is named"
    told = {one.object: one.message for one in result.warnings}
    finer = {"at3": moment[23:-1].strip("0"), "at6": moment[26:-1].strip("0")}
    assert set(told) == {
        *(name for name, rest in finer.items() if rest),
        *(["occurred_at"] if finer["at6"] else []),
    }
    assert all("millisecond" in told[name] for name in told if name == "at3")
    assert all("microsecond" in told[name] for name in told if name != "at3")


@pytest.mark.parametrize("digits", LAST)
def test_what_is_finer_than_its_column_is_rejected_by_the_name_of_its_unit(
    engine, project, tmp_path, digits
):
    plan = _plan(project, digits)
    finer = f"2026-02-02T10:15:00.{LAST[digits]}1Z"
    pages = [page([sale("a", "1", finer), sale("b", "1", "2026-02-02T10:15:00.5Z")])]
    result = load_pages(engine, plan, tmp_path, pages)
    assert (result.counts["loaded"], result.counts["rejected"]) == (1, 1)
    store = ProjectStore(engine, project)
    table = f"`{store.database}`.`sales_events__rejected`"
    (message,) = [row[0] for row in engine.rows(f"SELECT message FROM {table}")]
    unit = {3: "millisecond", 6: "microsecond", 9: "nanosecond"}[digits]
    assert message.endswith(f"is finer than a {unit}")


EDGES = ["1969-12-31", "1905-06-14", "2026-02-01", "2106-02-06", "2261-12-30"]


@pytest.mark.parametrize("digits", LAST)
def test_the_last_unit_of_a_day_is_rolled_up_in_that_day(engine, project, tmp_path, digits):
    """Towards the past, before 1970 too."""
    plan = _plan(project, digits)
    records = [
        sale(f"e{number}", "1", f"{day}T23:59:59.{LAST[digits]}Z")
        for number, day in enumerate(EDGES)
    ]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert result.counts["loaded"] == len(EDGES), result.message
    assert result.outputs[0].windows == len(EDGES)
    days = events(engine, plan, "toString(toDate32(day)), orders", "sales-rollup-daily")
    assert days == [(day, 1) for day in sorted(EDGES)]
    again = load_pages(engine, plan, tmp_path, [page(records)], "run-2")
    assert again.outputs[0].fingerprint == result.outputs[0].fingerprint


@pytest.mark.parametrize("digits", LAST)
def test_an_event_that_moves_by_one_unit_is_corrected(engine, project, tmp_path, digits):
    plan = _plan(project, digits)
    old = f"1969-12-31T23:59:59.{LAST[digits]}Z"
    load_pages(engine, plan, tmp_path, [page([sale("a", "1", old)])])
    new = [page([sale("a", "2", "1970-01-01T00:00:00Z")])]
    second = load_pages(engine, plan, tmp_path, new, "run-2")
    assert second.counts["corrected"] == 1
    assert second.outputs[0].windows == 2
    assert events(engine, plan, "event_id, amount") == [("a", 2)]
    days = events(engine, plan, "toString(toDate32(day)), orders", "sales-rollup-daily")
    assert days == [("1970-01-01", 1)]


@pytest.mark.parametrize("digits", [6, 9])
def test_the_newest_version_wins_by_the_microsecond(engine, project, tmp_path, digits):
    """Whichever was loaded first; what is finer than that does not order events."""
    mapping = {
        "event_id": "$.id",
        "occurred_at": "$.day",
        "amount": "$.amount",
        "currency": "$.currency",
        "customer_id": "$.id",
        "updated": "$.updated",
    }
    plan = _plan(
        project,
        3,
        normalizer={
            "spec.mapping": mapping,
            "spec.versionField": "updated",
            "spec.transforms": [NUMBER, TIME, {**TIME, "field": "updated"}],
        },
        storage={"spec.columns": {"updated": f"Timestamp({digits})"}},
    )
    for number, fraction in enumerate(["000002", "000001"]):
        record = (
            f'{{"id": "a", "day": "2026-02-02T00:00:00Z", "amount": "{number}", "currency": "EUR", '
            f'"updated": "2026-02-02T10:00:00.{fraction}Z"}}'
        )
        load_pages(engine, plan, tmp_path, [page([record.encode()])], f"run-{number}")
    assert events(engine, plan, "amount") == [(0,)]
    versions = (
        f"SELECT DISTINCT _ver FROM `{ProjectStore(engine, project).database}`.sales_events__data"
    )
    assert (1_770_026_400_000_002,) in engine.rows(versions)


@pytest.mark.parametrize("digits", LAST)
def test_what_is_late_is_late_by_the_unit(engine, project, tmp_path, digits):
    """Of the freeze time three days before 2026-02-10T06:00:00Z."""
    plan = _plan(project, digits, storage={"spec.retention": {"days": 3, "from": "occurred_at"}})
    records = [
        sale("late", "1", f"2026-02-07T05:59:59.{LAST[digits]}Z"),
        sale("kept", "1", "2026-02-07T06:00:00Z"),
    ]
    result = load_pages(engine, plan, tmp_path, [page(records)])
    assert (result.counts["loaded"], result.counts["late"]) == (1, 1)
    assert events(engine, plan, "event_id") == [("kept",)]


@pytest.mark.parametrize("digits", LAST)
def test_the_newest_event_is_known_to_the_microsecond(engine, project, tmp_path, digits):
    plan = _plan(project, digits)
    times = [f"2026-02-02T10:15:00.{LAST[digits]}Z", "2026-01-02T10:15:00Z"]
    records = [sale(f"e{number}", "1", moment) for number, moment in enumerate(times)]
    load_pages(engine, plan, tmp_path, [page(records)])
    stream = plan.streams[0]
    schema = event_schema(stream.normalizer, stream.storage)
    newest = EventTable(ProjectStore(engine, project), schema, stream.storage).newest()
    microsecond = 999_000 if digits == 3 else 999_999
    assert newest == datetime(2026, 2, 2, 10, 15, 0, microsecond, tzinfo=UTC)
