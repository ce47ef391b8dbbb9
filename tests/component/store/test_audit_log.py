import itertools
from datetime import UTC, datetime, timedelta

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.evidence.audit_event import Source
from chartly.evidence.audit_trail import Trail
from chartly.evidence.hash_chain import Fault, Head
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.project_store import ProjectStore

NUMBERS = itertools.count()


@pytest.fixture
def project():
    return Project("tenant-demo", f"proj-{next(NUMBERS)}")


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "audit" / "project.head")


@pytest.fixture
def log(engine, project, checkpoint):
    made = AuditLog(ProjectStore(engine, project), checkpoint)
    made.create()
    return made


class Clock:
    """Moments that follow each other."""

    def __init__(self):
        self._now = datetime(2026, 2, 2, 12, tzinfo=UTC)

    def __call__(self):
        self._now += timedelta(milliseconds=1)
        return self._now


NOW = Clock()


def append(log, *given):
    """Enters an attempt's events as the loader does, into the same table."""
    log._attempts.append(*given)


def attempt(log, project, *, run="sales-7f3k2m", number=1, last="succeeded", entered=True):
    """An attempt as the loader leaves it: its chain, and its head in the project's chain."""
    source = Source(project, "user:ada", run, number)
    trail = Trail(source, NOW)
    for kind in ("workflow.run.started", "connector.run.started", "dataset.updated"):
        trail.record(kind, {"loaded": 3})
    if last:
        trail.record(f"workflow.run.{last}", {"loaded": 3})
    append(log, run, number, trail.entries)
    if entered:
        said = {"chain": f"{run}/{number}", "head": str(trail.head)}
        log.append_project([(f"workflow.run.{last}", said)], source, NOW)
    return trail


def faults(log):
    return {
        one.chain: (one.verdict.fault, one.verdict.sequence)
        for one in log.verify()
        if one.verdict.fault
    }


def alter(engine, database, change):
    engine.command(f"ALTER TABLE {database}.`__audit` {change} SETTINGS mutations_sync = 1")


def test_what_was_entered_reads_back_whole(log, project, checkpoint):
    trail = attempt(log, project)
    assert log.run_entries("sales-7f3k2m", 1) == trail.entries
    run, home = sorted(log.verify(), key=lambda one: one.chain)
    assert (home.chain, home.verdict.count, home.verdict.fault) == (str(project), 1, None)
    assert (run.chain, run.verdict.count, run.verdict.fault) == ("sales-7f3k2m/1", 4, None)
    assert (run.unchained, home.unchained) == (0, 0)
    assert checkpoint.read() == Head(1, home.verdict.head)


def test_an_entry_that_is_written_again_does_not_show_twice(log, project):
    trail = attempt(log, project)
    append(log, "sales-7f3k2m", 1, trail.entries)
    append(log, "sales-7f3k2m", 1, [])
    assert log.run_entries("sales-7f3k2m", 1) == trail.entries
    assert faults(log) == {}


def test_projects_do_not_see_each_others_chains(engine, log, project, tmp_path):
    """INV-8."""
    attempt(log, project)
    other = Project("tenant-demo", f"proj-{next(NUMBERS)}")
    neighbour = AuditLog(ProjectStore(engine, other), Checkpoint(tmp_path / "other.head"))
    neighbour.create()
    assert neighbour.project_entries() == []
    assert [one.chain for one in neighbour.verify()] == [str(other)]


TAMPERINGS = [
    ("UPDATE event = replaceAll(event, '3', '4') WHERE {c} AND sequence = 3", (Fault.EDITED, 3)),
    ("UPDATE event = 'not JSON' WHERE {c} AND sequence = 3", (Fault.EDITED, 3)),
    ("UPDATE event = '[]' WHERE {c} AND sequence = 3", (Fault.EDITED, 3)),
    ("UPDATE time = '2026-02-03T00:00:00.000Z' WHERE {c} AND sequence = 2", (Fault.EDITED, 2)),
    ("UPDATE type = 'access.denied' WHERE {c} AND sequence = 2", (Fault.EDITED, 2)),
    ("UPDATE previous = hash WHERE {c} AND sequence = 1", (Fault.EDITED, 1)),
    ("DELETE WHERE {c} AND sequence = 2", (Fault.MISSING, 2)),
    ("DELETE WHERE {c} AND sequence = 1", (Fault.MISSING, 1)),
    ("DELETE WHERE {c} AND sequence = 4", (Fault.TRUNCATED, 4)),
    ("DELETE WHERE {c}", (Fault.TRUNCATED, 1)),
]


@pytest.mark.parametrize(("change", "found"), TAMPERINGS)
def test_tampering_with_a_runs_chain_is_found(engine, log, project, change, found):
    """INV-9."""
    attempt(log, project)
    attempt(log, project, run="sales-zzzzzz")
    where = "chain = 'sales-7f3k2m/1'"
    alter(engine, f"tenant_demo__{project.project.replace('-', '_')}", change.format(c=where))
    assert faults(log) == {"sales-7f3k2m/1": found}


def test_an_entry_put_beside_another_is_found(log, project):
    """INV-9."""
    trail = attempt(log, project)
    forger = Trail(
        Source(project, "user:eve", "sales-7f3k2m", 1), NOW, Head(1, trail.entries[0].hash)
    )
    forger.record("access.denied")
    append(log, "sales-7f3k2m", 1, forger.entries)
    assert faults(log) == {"sales-7f3k2m/1": (Fault.INSERTED, 2)}


def test_a_chain_that_was_made_anew_is_found(engine, log, project):
    """INV-9."""
    attempt(log, project)
    alter(engine, f"tenant_demo__{project.project.replace('-', '_')}", "DELETE WHERE 1")
    attempt(log, project, entered=False)
    assert faults(log) == {"sales-7f3k2m/1": (Fault.RESTAMPED, 4)}


@pytest.mark.parametrize("last", [2, 1, 0], ids=["one", "two", "all"])
def test_a_cut_in_the_projects_chain_is_found(engine, log, project, last):
    """INV-9: through the head that is kept outside the store."""
    for number in (1, 2, 3):
        attempt(log, project, number=number)
    alter(engine, "chartly_system", f"DELETE WHERE chain = '{project}' AND sequence > {last}")
    assert faults(log)[str(project)] == (Fault.TRUNCATED, last + 1)
    with pytest.raises(
        RunError, match="entry 3, which checkpoint .* is not in the store"
    ) as raised:
        log.settle(NOW)
    assert raised.value.reason is Reason.AUDIT_BROKEN


def test_nothing_is_added_to_a_chain_that_was_made_anew(engine, log, project, checkpoint):
    """INV-9: the checkpoint would lose the proof."""
    attempt(log, project)
    kept = checkpoint.read()
    alter(engine, "chartly_system", f"DELETE WHERE chain = '{project}'")
    with pytest.raises(RunError, match="is not in the store"):
        log.append_project([("workflow.created", {})], Source(project), NOW)
    assert checkpoint.read() == kept


def test_a_recorded_head_that_was_edited_is_found(engine, log, project):
    """INV-9."""
    attempt(log, project)
    alter(
        engine,
        "chartly_system",
        f'UPDATE event = replaceRegexpOne(event, \'"head": "[^"]*"\', \'"head": "?"\') '
        f"WHERE chain = '{project}'",
    )
    assert faults(log) == {
        str(project): (Fault.EDITED, 1),
        "sales-7f3k2m/1": (Fault.RESTAMPED, 1),
    }


def test_a_damaged_checkpoint_is_told(log, project, checkpoint):
    attempt(log, project)
    checkpoint.path.write_text("1:soon", encoding="ascii")
    with pytest.raises(RunError, match="'1:soon' is not a count and a hash") as raised:
        log.verify()
    assert raised.value.reason is Reason.AUDIT_BROKEN


@pytest.mark.parametrize(
    ("last", "kind", "reason"),
    [
        ("succeeded", "workflow.run.succeeded", None),
        ("", "workflow.run.failed", "Unclassified"),
    ],
    ids=["died after its last word", "died before it"],
)
def test_an_attempt_that_died_is_entered_later(log, project, last, kind, reason):
    """A tail that is not chained is whole, told as such, and entered at the next chance."""
    attempt(log, project, run="sales-aaaaaa")
    trail = attempt(log, project, last=last, entered=False)
    told = {one.chain: one.unchained for one in log.verify()}
    assert told == {str(project): 0, "sales-aaaaaa/1": 0, "sales-7f3k2m/1": trail.head.count}
    assert faults(log) == {}
    assert log.settle(NOW) == ["sales-7f3k2m/1"]
    entered = log.project_entries()[-1].event
    assert (entered["type"], entered["subject"]) == (kind, "sales-7f3k2m")
    assert entered["data"]["actor"] == "user:ada"
    assert entered["data"].get("reason") == reason
    assert entered["data"]["head"] == str(trail.head)
    assert {one.unchained for one in log.verify()} == {0}
    assert log.settle(NOW) == []


def test_an_attempt_that_died_after_its_start_was_recorded_is_entered(log, project):
    trail = attempt(log, project, last="", entered=False)
    source = Source(project, "user:ada", "sales-7f3k2m", 1)
    said = {"chain": "sales-7f3k2m/1", "head": str(trail.head)}
    log.append_project([("workflow.run.started", said)], source, NOW)
    assert log.settle(NOW) == ["sales-7f3k2m/1"]
    assert log.project_entries()[-1].event["type"] == "workflow.run.failed"
    assert log.settle(NOW) == []


def test_an_altered_chain_is_not_entered(engine, log, project):
    """INV-9: entering its head would vouch for it."""
    attempt(log, project, entered=False)
    alter(
        engine,
        f"tenant_demo__{project.project.replace('-', '_')}",
        "DELETE WHERE sequence = 2",
    )
    assert log.settle(NOW) == []
    assert faults(log) == {"sales-7f3k2m/1": (Fault.MISSING, 2)}


def test_a_checkpoint_that_was_left_behind_catches_up(log, project, checkpoint):
    """A crash after the rows and before the checkpoint loses nothing."""
    attempt(log, project)
    behind = checkpoint.read()
    attempt(log, project, number=2)
    checkpoint.write(behind)
    home = log.verify()[0]
    assert (home.verdict.fault, home.unchained) == (None, 1)
    attempt(log, project, number=3)
    assert checkpoint.read().count == 3
    assert log.verify()[0].unchained == 0
