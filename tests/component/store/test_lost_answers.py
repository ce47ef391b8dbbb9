"""Statements whose answer is lost are sent again, over a network: each must mean the same twice."""

import itertools
import re
from dataclasses import replace

import pytest

from chartly.errors import Reason, RunError
from chartly_store.dataset_removal import drop_dataset, drop_output
from chartly_store.exchange import exchange
from chartly_store.project_store import ProjectStore
from support.loaded import adds_up, events
from support.loading import load_pages, page, sale, sales_plan


class Forgetful:
    """An engine that does some statements and inserts twice, as if the first answer was lost.

    Args:
        pattern: which statements; ``insert TABLE`` is an insert.
        times: how many of them, from the first.
    """

    def __init__(self, engine, pattern, times):
        self._engine = engine
        self._pattern = pattern
        self._left = times
        self.repeated = 0

    def _again(self, said, act):
        act()
        if self._left and re.search(self._pattern, said):
            self._left -= 1
            self.repeated += 1
            act()

    def command(self, sql, parameters=None):
        self._again(sql, lambda: self._engine.command(sql, parameters))

    def insert(self, database, table, rows):
        self._again(f"insert {table}", lambda: self._engine.insert(database, table, rows))

    def __getattr__(self, name):
        return getattr(self._engine, name)


MONTHS = {"storage": {"spec.partitioning.granularity": "month"}}
RAW = {"storage": {"spec.raw": {"enabled": True, "dataset": "sales-raw", "retentionDays": 7}}}


def _life(engine, plan, folder):
    """A dataset's life: loads, a layout that moves, and its end; what could be read on the way."""
    told = []
    moved = sales_plan(plan.project, MONTHS)
    for number, each in enumerate((plan, plan, moved)):
        pages = [page([sale(f"e-{number}"), sale("same", f"{number}.50")])]
        result = load_pages(engine, each, folder, pages, f"run-{number}")
        assert result.reason is Reason.SUCCEEDED, result.message
        assert adds_up(result)
        assert result.audited
        told.append((events(engine, each), [output.fingerprint for output in result.outputs]))
    store = ProjectStore(engine, plan.project)
    drop_output(store, "sales-rollup-daily")
    drop_dataset(store, "sales-events")
    told.append(store.columns("sales_events__data"))
    return told


@pytest.mark.parametrize("times", [1, 1_000])
@pytest.mark.parametrize(
    "pattern",
    ["^CREATE", "^ALTER", "^INSERT INTO", "^DROP", "^insert (?!__ledger)", "^insert __ledger"],
)
def test_a_statement_that_is_sent_again_changes_nothing(engine, project, tmp_path, pattern, times):
    """INV-4: the same rows, counts and outputs as where no answer is lost."""
    plan = sales_plan(project)
    expected = _life(engine, plan, tmp_path / "a")
    forgetful = Forgetful(engine, pattern, times)
    again = sales_plan(replace(project, project=f"{project.project}-again"))
    assert _life(forgetful, again, tmp_path / "b") == expected
    assert forgetful.repeated


@pytest.mark.parametrize("times", [1, 2, 3])
def test_tables_are_exchanged_once_however_often_it_is_said(engine, project, times):
    store = ProjectStore(engine, project)
    store.create()
    for name in ("old", "new"):
        engine.command(
            f"CREATE TABLE {store.database}.{name} (a String) ENGINE = MergeTree ORDER BY a"
        )
        engine.command(f"INSERT INTO {store.database}.{name} VALUES ('{name}')")
    asked = itertools.count()
    forgetful = Forgetful(engine, "^EXCHANGE", times)
    exchange(forgetful, store.database, "new", "old", lambda: next(asked))
    assert engine.rows(f"SELECT a FROM {store.database}.old") == [("new",)]
    assert forgetful.repeated == times
    assert next(asked) == times + 1, "asked before each"


def test_an_exchange_that_never_holds_is_an_error(engine, project):
    store = ProjectStore(engine, project)
    store.create()
    for name in ("old", "new"):
        engine.command(
            f"CREATE TABLE {store.database}.{name} (a String) ENGINE = MergeTree ORDER BY a"
        )
    with pytest.raises(RunError, match="is not exchanged") as caught:
        exchange(Forgetful(engine, "^EXCHANGE", 100), store.database, "new", "old")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
