"""A store of format 1 becomes one of format 2: every row, every order, killed anywhere."""

from pathlib import Path

import pytest

from chartly.errors import Reason, RunError
from chartly.load.project_tables import FORMATS, PROJECT_TABLES
from chartly.load.sql import qualified
from chartly_store.project_store import ProjectStore
from chartly_store.stored_project import of_folder
from support.loaded import events
from support.loading import CrashError, load_pages, page, resume, sale, sales_plan
from support.old_stores import format_1

CHANGES = {
    "sales": {"storage": {"spec.raw": {"enabled": True}}},
    "versioned": {"normalizer": {"spec.versionField": "occurred_at", "spec.identity": ["event_id"]}},
    "timed_key": {"normalizer": {"spec.identity": ["event_id", "occurred_at"]}},
}  # fmt: skip
PAYLOAD = "event_id, amount, currency, customer_id, occurred_at, event_key, run_id, raw_ref"


class KilledEngine:
    """An engine whose owner dies after its nth statement or insert."""

    def __init__(self, engine, dies_at=0):
        self._engine = engine
        self._dies_at = dies_at
        self.count = 0

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def command(self, sql, parameters=None):
        self._write(lambda: self._engine.command(sql, parameters))

    def insert(self, database, table, rows):
        self._write(lambda: self._engine.insert(database, table, rows))

    def _write(self, write):
        self.count += 1
        write()
        if self.count == self._dies_at:
            raise CrashError


def _plan(name, project):
    return sales_plan(project, CHANGES[name])


def _load(engine, plan, tmp_path, pages, run_id):
    """A load that finds tables of events of format 1; the test's own look needs the ledger."""
    ProjectStore(engine, plan.project).create()
    return load_pages(engine, plan, tmp_path, pages, run_id)


def _migrate(engine, plan):
    """What a load does before it asks for a page."""
    from chartly.api.event_schema import event_schema

    store = ProjectStore(engine, plan.project)
    store.create()
    (stream,) = plan.streams
    store.ensure_dataset(
        event_schema(stream.normalizer, stream.storage), stream.storage, "sales-onboard"
    )
    return store


def _versions(engine, plan, unit):
    """Every stored row with its version, in the unit of format 2."""
    table = qualified(ProjectStore(engine, plan.project).database, "sales_events__data")
    return engine.rows(
        f"SELECT event_id, toUnixTimestamp64Milli(occurred_at), amount, _deleted, {unit} "
        f"FROM {table} FINAL ORDER BY ALL"
    )


UNITS = {"sales": "bitShiftRight(_ver, 4)", "timed_key": "bitShiftRight(_ver, 4)", "versioned": "_ver * 1000"}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_every_event_and_every_version_is_carried_over(engine, name):
    plan = _plan(name, format_1(engine, name))
    before, versions = events(engine, plan, PAYLOAD), _versions(engine, plan, UNITS[name])
    _migrate(engine, plan)
    assert events(engine, plan, PAYLOAD) == before
    assert _versions(engine, plan, "_ver") == versions


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_any_statement_the_next_load_completes_it(engine, name):
    counting = KilledEngine(engine)
    _migrate(counting, _plan(name, format_1(engine, name)))
    for number in range(1, counting.count + 1):
        plan = _plan(name, format_1(engine, name))
        before, versions = events(engine, plan, PAYLOAD), _versions(engine, plan, UNITS[name])
        with pytest.raises(CrashError):
            _migrate(KilledEngine(engine, number), plan)
        _migrate(engine, plan)
        assert events(engine, plan, PAYLOAD) == before, number
        assert _versions(engine, plan, "_ver") == versions, number


def test_a_store_that_is_only_read_is_read_as_before(engine):
    """``status`` and ``rejects`` of a newer version look before any load has changed it."""
    plan = _plan("sales", format_1(engine, "sales"))
    project = of_folder(engine, plan.project, "folder", Path("unused"))
    before = _what_is_read(project)
    assert before["rejects"]
    _migrate(engine, plan)
    assert _what_is_read(project) == before


def _what_is_read(project):
    return {
        "pages": [project.pages(run) for run in ("run-1", "run-2", "run-3")],
        "totals": [project.totals(run) for run in ("run-1", "run-2", "run-3")],
        "rejects": project.rejects("sales-events", "run-1", 10),
        "attempts": project.attempts("sales-onboard"),
        "latest": project.latest_run(),
    }


def test_the_next_load_changes_nothing(engine):
    plan = _plan("sales", format_1(engine, "sales"))
    store = _migrate(engine, plan)
    first = _shape(engine, store)
    again = KilledEngine(engine)
    _migrate(again, plan)
    assert _shape(engine, store) == first


def _shape(engine, store):
    return engine.rows(
        "SELECT name, uuid, create_table_query FROM system.tables "
        "WHERE database = {name:String} AND engine != 'View' ORDER BY name",
        {"name": store.database},
    )


def test_a_migrated_project_has_the_tables_of_a_new_one(engine, project, tmp_path):
    """Whatever reads the one reads the other: columns, types and sorting keys are the same."""
    changes = CHANGES["sales"]
    load_pages(engine, sales_plan(project, changes), tmp_path, [page([sale("a")])])
    plan = _plan("sales", format_1(engine, "sales"))
    _load(engine, plan, tmp_path / "old", [page([sale("a")])], "run-4")
    old, new = (_columns(engine, ProjectStore(engine, one)) for one in (plan.project, project))
    assert old.keys() == new.keys()
    for table, columns in new.items():
        assert old[table] == columns, table


def _columns(engine, store):
    rows = engine.rows(
        "SELECT c.table, c.name, c.type, t.sorting_key FROM system.columns AS c "
        "INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table "
        "WHERE c.database = {name:String} AND t.engine != 'View'",
        {"name": store.database},
    )
    tables = {}
    for table, column, kind, key in rows:
        tables.setdefault(table, {})[column] = (kind, key)
    return tables


def test_a_run_that_was_cut_off_goes_on_behind_its_last_page(engine, tmp_path):
    plan = _plan("sales", format_1(engine, "sales"))
    pages = [
        page([sale("d", "5", "2026-02-05T01:00:00Z"), sale("b", "2.50", "2026-02-01T23:59:59.999Z")]),
        page([sale("e", "6", "2026-02-06T01:00:00Z")]),
        page([sale("f", "7", "2026-02-06T02:00:00Z")]),
    ]  # fmt: skip
    _migrate(engine, plan)
    assert resume(engine, plan, "run-3").next_page == 1
    result = _load(engine, plan, tmp_path, pages, "run-3")
    assert (result.reason, result.counts["loaded"]) == (Reason.SUCCEEDED, 4)
    amounts = dict.fromkeys("abcdef")
    amounts |= {row[0]: str(row[1].normalize()) for row in events(engine, plan)}
    assert amounts == {"a": "4.4", "b": "2.5", "c": "3.3", "d": "5", "e": "6", "f": "7"}


def test_the_newest_record_stays_the_newest(engine, tmp_path):
    """Versions of format 1 are sixteen times as large, and instants a thousandth: kept as they
    were, older rows would hide newer ones, or the other way round."""
    plan = _plan("sales", format_1(engine, "sales"))
    _load(engine, plan, tmp_path / "a", [page([sale("a", "9")])], "run-4")
    assert events(engine, plan, "event_id, amount")[0] == ("a", 9)
    plan = _plan("versioned", format_1(engine, "versioned"))
    older = page(
        [sale("b", "9", "2026-02-03T10:15:00.4Z"), sale("a", "9", "2026-02-02T10:15:00.002Z")]
    )
    _load(engine, plan, tmp_path / "b", [older], "run-4")
    assert events(engine, plan, "event_id, amount") == [("a", 9), ("b", 2)]


def test_rollups_keep_what_was_published(engine, tmp_path):
    plan = _plan("sales", format_1(engine, "sales"))
    days = events(engine, plan, "toDayOfMonth(day), orders, total_amount", "sales-rollup-daily")
    _load(engine, plan, tmp_path, [page([sale("z", "1", "2026-02-08T00:00:00Z")])], "run-4")
    later = events(engine, plan, "toDayOfMonth(day), orders, total_amount", "sales-rollup-daily")
    # The run that was cut off has left rows on the first, the fifth and the sixth.
    assert [day[0] for day in later] == [1, 2, 4, 5, 6, 8]
    assert [day for day in later if day[0] in (2, 4)] == [day for day in days if day[0] != 1]


def test_a_store_of_a_later_version_is_refused_by_its_number(engine, project):
    store = ProjectStore(engine, project)
    store.create()
    store.insert_dicts(FORMATS, [{"format": 3}])
    for refused_call in (store.create, store.exists):
        with pytest.raises(RunError, match="its tables have format 3") as refused:
            refused_call()
        assert refused.value.reason is Reason.SCHEMA_INCOMPATIBLE


def test_a_loader_of_the_first_format_cannot_write_any_more(engine):
    """Its versions would hide every row that comes after."""
    import pyarrow as pa

    plan = _plan("sales", format_1(engine, "sales"))
    store = _migrate(engine, plan)
    row = pa.table({"_index": pa.array([0], pa.uint32()), "_ver": pa.array([1], pa.uint64())})
    with pytest.raises(RunError, match="_index"):
        engine.insert(store.database, "sales_events__data", row)


def test_each_own_table_is_described(engine, project):
    store = ProjectStore(engine, project)
    store.create()
    for name, table in PROJECT_TABLES.items():
        assert list(store.columns(name)) == list(table.columns)
