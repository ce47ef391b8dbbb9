"""A storage policy beside the tables that are there, on the embedded engine and on a server."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from chartly.api.event_schema import event_schema
from chartly.api.profile import parse_profile
from chartly.api.reference import Project
from chartly_store.embedded import open_embedded
from chartly_store.policy import measure
from chartly_store.project_store import ProjectStore
from chartly_store.server import open_server
from support.clickhouse_process import clickhouse
from support.profiles import changed, playbook_profile, playbook_profiles

PROFILES = {profile.id.kind: profile.spec for profile in playbook_profiles()}
SCHEMA = event_schema(PROFILES["normalizer"], PROFILES["storage"])
EXPIRED_AT = datetime(2026, 3, 4, tzinfo=UTC)
"""Thirty days after this is 2 February."""
ROW = (
    "INSERT INTO {db}.sales_events__data "
    "(event_id, occurred_at, amount, currency, ingested_at, event_key) "
    "VALUES ('a', '2026-02-02 00:00:00', 1, 'EUR', '{at}', 'a')"
)


def storage(**changes):
    source = playbook_profile("storage")
    for path, value in changes.items():
        source = changed(source, "spec." + path.replace("__", "."), value)
    return parse_profile(source).spec


@pytest.fixture(scope="module", params=["embedded", "server"])
def engine(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with closing(open_embedded(folder / "store")) as found:
            yield found
        return
    with (
        clickhouse(folder / "server") as server,
        closing(open_server(server.secret(folder / "secret"))) as found,
    ):
        yield found


@pytest.fixture
def store(engine):
    found = ProjectStore(engine, Project("tenant-demo", "proj-policy"))
    engine.command(f"DROP DATABASE IF EXISTS {found.database} SYNC")
    found.create()
    found.ensure_dataset(SCHEMA, storage(raw={"enabled": True}), "sales-onboard")
    put(found, "2026-02-02 00:00:00")
    yield found
    engine.command(f"DROP DATABASE {found.database} SYNC")


def put(store, at):
    store.engine.command(ROW.format(db=store.database, at=at))


def broken(store, spec=None, schema=SCHEMA):
    """The parts that do not hold, with what is shown of them."""
    spec = spec or storage(raw={"enabled": True})
    found = measure(store, schema, spec, EXPIRED_AT)
    return {one.part: str(one) for one in found if not one.holds}


def test_a_dataset_as_a_run_leaves_it_is_what_its_profile_says(store):
    found = measure(store, SCHEMA, storage(raw={"enabled": True}), EXPIRED_AT)
    assert [one.part for one in found] == [
        "partition", "order", "columns", "view", "index on event_id", "index on customer_id",
        "index on currency", "retention", "retention of rejects", "retention of pages", "size",
    ]  # fmt: skip
    assert [str(one) for one in found if not one.holds] == []
    assert "30 days, oldest 2026-02-02T00:00:00Z" in " ".join(map(str, found))


SABOTAGE = [
    # because, statement, the part that does not hold, what is said of it
    ("an index is gone", "ALTER TABLE {data} DROP INDEX idx_currency", "index on currency", "missing, declared bloom_filter"),
    ("an index of another kind", "ALTER TABLE {data} DROP INDEX idx_currency, ADD INDEX x currency TYPE minmax", "index on currency", "minmax, declared bloom_filter"),
    ("a column is gone", "ALTER TABLE {data} DROP COLUMN amount", "columns", "differ: amount missing"),
    ("a column of another type", "ALTER TABLE {data} MODIFY COLUMN amount Decimal(40, 9)", "columns", "differ: amount Decimal(40, 9)"),
    ("nobody can read it", "DROP VIEW {db}.sales_events", "view", "is not there"),
    ("a row that should have expired", ROW.replace("{at}", "2026-02-01 23:59:59.999"), "retention", "oldest 2026-02-01T23:59:59.999000Z, declared nothing before 2026-02-02"),
    ("a reject that should have expired", "INSERT INTO {db}.sales_events__rejected (run_id, raw_ref, ingested_at) VALUES ('r', 'x', '2026-01-01 00:00:00')", "retention of rejects", "oldest 2026-01-01"),
    ("a page that should have expired", "INSERT INTO {db}.sales_events_raw__data (sha256, ingested_at) VALUES ('x', '2026-02-20 00:00:00')", "retention of pages", "7 days, oldest 2026-02-20"),
    ("the rejects are gone", "DROP TABLE {db}.sales_events__rejected SYNC", "retention of rejects", "its table is missing"),
    ("the table is gone", "DROP TABLE {data} SYNC", "table", "is not there"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "part", "says"), [case[1:] for case in SABOTAGE], ids=[c[0] for c in SABOTAGE]
)
def test_a_table_that_is_not_what_the_profile_says_is_told(store, statement, part, says):
    data = f"{store.database}.sales_events__data"
    store.engine.command(statement.format(db=store.database, data=data))
    found = broken(store)
    assert list(found) == [part]
    assert says in found[part]


DECLARED = [
    ("another partition", {"partitioning__granularity": "month"}, "partition", "toYYYYMMDD(occurred_at), declared toYYYYMM(occurred_at)"),
    ("one more index", {"indexing__fields": ["event_id", "customer_id", "currency", "amount"]}, "index on amount", "missing, declared minmax"),
    ("a shorter retention", {"retentionDays": 29}, "retention", "29 days"),
    ("a smaller limit", {"maxBytes": 1}, "size", "declared at most 1 bytes"),
    ("another type", {"columns": {"currency": "LowCardinality(String)"}}, "columns", "differ: currency String"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "part", "says"), [case[1:] for case in DECLARED], ids=[c[0] for c in DECLARED]
)
def test_a_profile_that_says_something_else_is_told(store, changes, part, says):
    spec = storage(**changes)
    found = broken(store, spec, event_schema(PROFILES["normalizer"], spec))
    assert part in found
    assert says in found[part]


def test_retention_by_event_time_looks_at_event_time(store):
    spec = storage(retention={"days": 30, "from": "occurred_at"}, retentionDays=None)
    assert broken(store, spec) == {}
    put(store, "2026-03-01 00:00:00")
    store.engine.command(
        ROW.replace("'2026-02-02 00:00:00'", "'2026-02-01 00:00:00'").format(
            db=store.database, at="2026-03-01 00:00:00"
        )
    )
    assert list(broken(store, spec)) == ["retention"]
    assert broken(store, storage(retentionDays=None)) == {}, "none is declared"


def test_a_dataset_without_time_has_no_partition(engine):
    spec = replace_partitioning()
    schema = event_schema(PROFILES["normalizer"], spec)
    store = ProjectStore(engine, Project("tenant-demo", "proj-timeless"))
    store.create()
    store.ensure_dataset(schema, spec, "sales-onboard")
    found = {one.part: str(one) for one in measure(store, schema, spec, EXPIRED_AT)}
    assert (found["partition"], found["order"]) == ("partition none", "order event_key")
    engine.command(f"DROP DATABASE {store.database} SYNC")


def replace_partitioning():
    source = changed(playbook_profile("storage"), "spec.partitioning", drop=True)
    return parse_profile(source).spec
