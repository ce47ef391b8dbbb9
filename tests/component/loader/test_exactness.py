"""INV-4 and INV-5 over any pages and any crashes."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from chartly.api.reference import Project
from chartly.errors import Reason
from chartly.load.sql import qualified
from chartly_store.project_store import ProjectStore
from support.loading import CrashError, DyingEngine, attempts, load_pages, page, sale, sales_plan

EXAMPLES = itertools.count()
KEYS = st.sampled_from("abcdef")
RECORDS = st.tuples(KEYS, st.integers(1, 3), st.one_of(st.integers(1, 99), st.none()))
PAGES = st.lists(st.lists(RECORDS, max_size=4), min_size=1, max_size=6)
CRASHES = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(["before", "after"])), max_size=3)


def _body(records):
    return page(
        [sale(key, "null" if amount is None else str(amount), f"2026-02-0{day}T00:00:00Z") for key, day, amount in records]
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(pages=PAGES, crashes=CRASHES, together=st.integers(1, 3))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_comes_and_whenever_it_dies_the_counts_and_rows_are_exact(
    engine, tmp_path, monkeypatch, pages, crashes, together
):
    """INV-4."""
    monkeypatch.setattr("chartly_loader.page_intake.BATCH_ROWS", together)
    monkeypatch.setattr("chartly_loader.load_batch.ROWS_A_PART", 1)
    number = next(EXAMPLES)
    # Rejects are what is counted here, however many: no threshold ends the run.
    changes = {"normalizer": {"spec.rejectThreshold": {"percent": 100}}}
    plan = sales_plan(Project("tenant-any", f"p-{number}"), changes)
    spool = tmp_path / str(number)
    bodies = [_body(records) for records in pages]
    for place, when in crashes:
        dying = DyingEngine(
            engine, lambda _, index, at=place, how=when: how if index == at else None
        )
        with suppress(CrashError):
            load_pages(dying, plan, spool, bodies)
        if (
            attempts(engine, plan, "run-1")
            and attempts(engine, plan, "run-1")[0].state == "finished"
        ):
            break
        event("died")
    result = load_pages(engine, plan, spool, bodies)
    assert result.reason is Reason.SUCCEEDED, result.message

    records = [one for records in pages for one in records]
    good = [one for one in records if one[2] is not None]
    last = {key: (day, amount) for key, day, amount in good}
    counts = result.counts
    assert counts["read"] == len(records)
    assert counts["rejected"] == len(records) - len(good)
    assert counts["loaded"] == len(last)
    assert counts["duplicate"] == len(good) - len(last)
    assert counts["read"] == sum(
        counts[name] for name in ("loaded", "rejected", "duplicate", "filtered", "late")
    )
    store = ProjectStore(engine, plan.project)
    found = engine.rows(
        f"SELECT event_id, toDayOfMonth(occurred_at), amount FROM {store.view('sales-events')}"
    )
    assert sorted(found) == sorted(
        (key, day, Decimal(amount)) for key, (day, amount) in last.items()
    )
    per_page = engine.rows(
        f"SELECT read, loaded + rejected + duplicate + filtered + late "
        f"FROM {qualified(store.database, '__ledger')} FINAL ORDER BY segment"
    )
    assert [row[0] for row in per_page] == [len(records) for records in pages]
    assert all(read == parts for read, parts in per_page)
    days = Counter(day for day, _ in last.values())
    rolled = engine.rows(
        f"SELECT toDayOfMonth(day), orders FROM {store.view('sales-rollup-daily')}"
    )
    assert dict(rolled) == days


SCRIPT = """
import sys
from contextlib import closing
from pathlib import Path
from chartly_store.embedded import open_embedded
from chartly_store.project_store import ProjectStore
from support.loading import load_pages, page, sale, sales_plan
plan, folder = sales_plan(), Path(sys.argv[1])
moments = ["2026-03-08T06:59:59.999Z", "2026-03-08T02:30:00-05:00", "2026-11-01T01:30:00-04:00"]
pages = [page([sale(str(n), "100000000000000.01", moment) for n, moment in enumerate(moments)])]
with closing(open_embedded(folder / "store")) as engine:
    result = load_pages(engine, plan, folder, pages)
    store = ProjectStore(engine, plan.project)
    names = "event_id, amount, occurred_at, ingested_at, raw_ref, event_key, profile_digest"
    print(engine.rows(f"SELECT {names} FROM {store.view('sales-events')} ORDER BY event_id"))
    print(engine.rows(f"SELECT * FROM {store.view('sales-rollup-daily')} ORDER BY day"))
    print(result.outputs[0].fingerprint, result.audit_head)
"""


def _in_zone(folder: Path, zone: str) -> str:
    folder.mkdir()
    tests = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder],
        env={**os.environ, "TZ": zone, "PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_rows_do_not_depend_on_the_time_zone_of_the_machine(tmp_path, zone):
    """INV-5."""
    here = _in_zone(tmp_path / "utc", "UTC")
    assert _in_zone(tmp_path / "zone", zone) == here
    assert "Decimal('100000000000000.010000000')" in here
    assert "datetime.datetime(2026, 3, 8, 6, 59, 59, 999000" in here
