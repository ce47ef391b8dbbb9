"""Attempts and claims where several processes write one project at once."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chartly.errors import Reason, RunError
from chartly_store.access import read_access
from chartly_store.attempts import Attempt, Attempts
from chartly_store.project_store import ProjectStore, claim_view
from chartly_store.server import Patience, ServerEngine
from support.clickhouse_process import clickhouse

NOW = datetime(2026, 2, 10, 6, tzinfo=UTC)


class Interleaved:
    """An engine between two calls of which others get their turn.

    Args:
        turns: for a text in a statement, what others do after it; each once.
        skip: how many such statements pass before.
    """

    def __init__(self, engine, turns, skip=0):
        self._engine = engine
        self._turns = turns
        self._skip = skip

    def __getattr__(self, name):
        real = getattr(self._engine, name)

        def call(*given):
            said = real(*given)
            for text in [one for one in self._turns if one in " ".join(map(str, given))]:
                self._skip -= 1
                if self._skip < 0:
                    self._turns.pop(text)()
            return said

        return call


@pytest.fixture
def store(engine, project):
    made = ProjectStore(engine, project)
    made.create()
    return made


def attempt(run, number=1):
    return Attempt(run, number, 0, f"workflow-{run}", "1.0.0", "sha256:c", NOW)


def begun(store, run, number=1):
    return Attempts(store).begin(attempt(run, number), NOW).ordinal


def test_each_attempt_stands_behind_all_before_it(store):
    assert [begun(store, "a"), begun(store, "b"), begun(store, "a", 2)] == [1, 2, 3]
    assert [one.ordinal for one in Attempts(store).of_run("a")] == [3, 1]


@pytest.mark.parametrize("rivals", [["a"], ["z"], ["a", "z"]], ids="-".join)
def test_who_finds_another_in_its_place_moves_on(store, rivals):
    """Two that read the same maximum; whichever order they have, each gets its own place."""
    others = {}

    def others_begin():
        for rival in rivals:
            others[rival] = begun(store, rival)

    late = ProjectStore(Interleaved(store.engine, {"max(ordinal)": others_begin}), store.project)
    mine = begun(late, "m")
    assert len({mine, *others.values()}) == len(rivals) + 1
    assert mine > max(others.values())
    stored = {one.ordinal for run in ("m", *rivals) for one in Attempts(store).of_run(run)}
    assert stored == {mine, *others.values()}


def test_two_that_see_each_other_go_to_different_places(store):
    """Both have written before either looks."""
    places = {}

    def other_begins():
        inner = Interleaved(store.engine, {})
        places["b"] = begun(ProjectStore(inner, store.project), "b")

    late = ProjectStore(Interleaved(store.engine, {"max(ordinal)": other_begins}), store.project)
    places["a"] = begun(late, "a")
    assert sorted(places.values()) == [1, 2]


def test_many_that_begin_at_once_get_a_place_each(tmp_path, project):
    """Against a server, where everybody reads before anybody writes."""
    everybody_read = threading.Barrier(6, timeout=30)
    with clickhouse(tmp_path / "server") as server:
        access = read_access(server.secret(tmp_path / "secret"))
        with closing(ServerEngine(access, Patience())) as engine:
            ProjectStore(engine, project).create()
        places = []

        def begin(run):
            with closing(ServerEngine(access, Patience())) as own:
                late = Interleaved(own, {"max(ordinal)": everybody_read.wait})
                places.append(begun(ProjectStore(late, project), run))

        threads = [threading.Thread(target=begin, args=(f"run-{one}",)) for one in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(set(places)) == 6, places


def test_a_finished_attempt_keeps_its_place(store):
    attempts = Attempts(store)
    first = attempts.begin(attempt("a"), NOW)
    attempts.finish(first, Reason.SUCCEEDED, "", "{}", "head", NOW + timedelta(seconds=1))
    attempts.begin(replace(attempt("a"), workflow="again"), NOW)
    [found] = attempts.of_run("a")
    assert (found.ordinal, found.state, found.workflow) == (1, "finished", "workflow-a")


def claims(store, workflow):
    return store.claim("sales", workflow, "layout").workflow


def outcome(store, workflow):
    """Who has the dataset now, or why the workflow may not have it."""
    try:
        return claims(store, workflow)
    except RunError as error:
        return error.reason


LOOK = "FINAL WHERE dataset"


@pytest.mark.parametrize(
    ("moment", "skip"),
    [(LOOK, 0), ("CREATE VIEW IF NOT EXISTS", 0), ("SELECT comment", 0), (LOOK, 1)],
    ids=["after a look", "after the mark", "after reading the mark", "just before recording"],
)
def test_of_two_workflows_that_claim_a_dataset_at_once_one_gets_it(store, moment, skip):
    said = {}

    def other_claims():
        said["other"] = outcome(store, "other")

    late = ProjectStore(Interleaved(store.engine, {moment: other_claims}, skip), store.project)
    said["mine"] = outcome(late, "mine")
    winner = store.dataset("sales").workflow
    loser = "mine" if winner == "other" else "other"
    assert said == {winner: winner, loser: Reason.DATASET_IN_USE}
    assert claims(store, winner) == winner
    assert store.columns(claim_view("sales")) == {}


def test_a_claim_whose_process_died_is_taken_up_by_its_workflow_alone(store):
    class DeathError(Exception):
        pass

    def die():
        raise DeathError

    mortal = ProjectStore(Interleaved(store.engine, {"CREATE VIEW": die}), store.project)
    with pytest.raises(DeathError):
        claims(mortal, "first")
    with pytest.raises(RunError, match="is written by workflow 'first'"):
        claims(store, "second")
    assert claims(store, "first") == "first"


def test_a_dataset_that_was_dropped_can_be_claimed_by_another(store):
    from chartly_store.dataset_removal import drop_output

    class DeathError(Exception):
        pass

    def die():
        raise DeathError

    mortal = ProjectStore(Interleaved(store.engine, {"CREATE VIEW": die}), store.project)
    with pytest.raises(DeathError):
        claims(mortal, "first")
    drop_output(store, "sales")
    assert claims(store, "second") == "second"
