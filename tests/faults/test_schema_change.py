"""Profiles that add a column and widen another, and a loader that dies while tables follow them."""

from contextlib import closing

import pytest

from chartly_store.embedded import open_embedded
from chartly_store.project_store import ProjectStore
from faults.harness import Harness
from faults.mortal import Moment
from faults.points import REBUILD_KILLS, SCHEMA_KILLS
from faults.scale import FULL, scaled

AMOUNT = "Decimal(38, 2)"


def check_columns(harness, last):
    """Events that came after the change have the new column, and the others have no value."""
    keys = {one.key for of_page in last for one in of_page if one.cents is not None}
    with closing(open_embedded(harness.folder / "store")) as engine:
        store = ProjectStore(engine, harness.oracle.plan.project)
        assert store.columns("sales_events__data")["amount"] == AMOUNT
        found = dict(engine.rows(f"SELECT event_id, channel FROM {store.view('sales-events')}"))
    assert found == {key: "web" if key in keys else None for key in harness.oracle.events}


@pytest.mark.slow
def test_a_change_is_taken_up_wherever_it_was_cut_off(tmp_path):
    """INV-4: each statement before it, and after it, in attempts that follow each other."""
    harness = Harness(tmp_path, "schema", plan="narrow")
    harness.run()
    harness.plan = "wide"
    before = harness.tally.kills
    last = harness.run(*(Moment("kill", match, 1, when) for _, match, when in SCHEMA_KILLS))
    assert harness.tally.kills == before + len(SCHEMA_KILLS)
    check_columns(harness, last)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", range(scaled(1, 8)))
def test_a_change_is_taken_up_after_random_kills(tmp_path, case):
    """INV-4."""
    harness = Harness(tmp_path, f"schema-{case}", plan="narrow", calls=40)
    harness.run(*harness.some_moments(1))
    harness.plan = "wide"
    last = harness.run(*harness.some_moments(4 if FULL else 2))
    check_columns(harness, last)


@pytest.mark.slow
def test_a_rebuild_is_taken_up_wherever_it_was_cut_off(tmp_path):
    """INV-4: rows move to other partitions, or have not moved."""
    harness = Harness(tmp_path, "rebuild")
    harness.run()
    harness.plan = "monthly"
    before = harness.tally.kills
    harness.run(*(Moment("kill", match, number, when) for _, match, number, when in REBUILD_KILLS))
    assert harness.tally.kills == before + len(REBUILD_KILLS)
    with closing(open_embedded(tmp_path / "store")) as engine:
        sql = "SELECT DISTINCT partition FROM system.parts WHERE active AND table = {table:String}"
        assert engine.rows(sql, {"table": "sales_events__data"}) == [("202602",)]
