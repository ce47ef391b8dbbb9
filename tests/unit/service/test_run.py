"""The course of a run over ports: what is asked in which order, and what is left."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from chartly.errors import ChartlyError, Reason, RunError
from chartly_service.prerequisites import Prerequisite
from chartly_service.run import RunPorts, RunRequest, run
from support.playbook_workspace import playbook_workspace
from support.recorded_runs import MemoryRuns

NOW = datetime(2026, 2, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    reason: Reason = Reason.SUCCEEDED
    message: str = ""
    audited: bool = True
    warnings: tuple = ()
    newest: dict = field(default_factory=lambda: {"sales-events": NOW})
    rows: int = 7


@dataclass(frozen=True)
class Store:
    name: str = "here"
    record: str = ""


@dataclass
class Place:
    """All ports of a run, and the calls of them in their order."""

    result: object = field(default_factory=Ended)
    lacking: str = ""
    unsafe: bool = False
    runs: MemoryRuns = field(default_factory=MemoryRuns)
    calls: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    seconds: float = 0.0

    def check(self, name):
        self.calls.append(name)
        return Prerequisite(name, name != self.lacking, "a sentence", warning=self.unsafe)

    def machine(self):
        yield self.check("machine")

    def secret(self, reference, _connector):
        return self.check(f"secret {reference.name}")

    def store(self):
        yield self.check("store")

    def launch(self, intent, frozen):
        self.calls.append(f"launch {intent.run_id} {intent.attempt}")
        assert self.runs.is_open
        assert intent.config_digest == frozen.snapshot.digest
        self.seconds += 2.5
        if isinstance(self.result, ChartlyError):
            raise self.result
        return self.result

    def keep_metrics(self, intent, plan, result, seconds):
        self.kept.append((intent.run_id, result.reason, seconds))

    def ports(self):
        return RunPorts(
            site=self,
            runs=self.runs.opened,
            launcher=self,
            now=lambda: NOW,
            monotonic=lambda: self.seconds,
            on_warning=lambda prerequisite: self.calls.append(f"warning {prerequisite.name}"),
        )


def ran(place, *more, workspace=None, **asked):
    workspace = workspace or playbook_workspace(*more)
    return run(workspace, RunRequest(workspace.workflows[0], Store(), **asked), place.ports())


def test_a_run_checks_begins_launches_and_records_in_this_order():
    place = Place()
    report = ran(place, evidence={"cacert": "ca.pem"}, window=("a", "b"))
    assert place.calls == ["machine", "secret sales-http", "store", "launch sales-onboard-1 1"]
    (recorded,) = place.runs.kept
    assert recorded.intent.frozen_at == "2026-02-02T12:00:00.000+00:00"
    assert (recorded.intent.evidence, recorded.intent.window) == ({"cacert": "ca.pem"}, ("a", "b"))
    assert recorded.result == report.document()
    assert place.kept == [("sales-onboard-1", Reason.SUCCEEDED, 2.5)]
    assert {
        "run": "sales-onboard-1", "continued": False, "reason": "Succeeded", "problems": [],
        "store": "here", "folder": "runs/sales-onboard-1", "seconds": 2.5, "rows": 7,
        "newest": {"sales-events": "2026-02-02T12:00:00+00:00"},
    }.items() <= report.document().items()  # fmt: skip


@pytest.mark.parametrize(
    ("lacking", "calls"),
    [
        ("machine", ["machine"]),
        ("secret sales-http", ["machine", "secret sales-http"]),
        ("store", ["machine", "secret sales-http", "store"]),
    ],
)
def test_nothing_is_asked_after_the_first_prerequisite_that_is_lacking(lacking, calls):
    place = Place(lacking=lacking)
    with pytest.raises(RunError, match=f"{lacking}: a sentence"):
        ran(place)
    assert place.calls == calls
    assert place.runs.kept == []


def test_a_suspended_workflow_starts_no_run():
    workspace = playbook_workspace()
    (workflow,) = workspace.workflows
    suspended = replace(workflow, spec=workflow.spec.model_copy(update={"suspend": True}))
    workspace.workflows = [suspended]
    place = Place()
    with pytest.raises(RunError, match="spec.suspend is true, so no run starts"):
        ran(place, workspace=workspace)
    assert place.runs.kept == []


def test_what_is_unsafe_is_a_warning_and_the_run_goes_on():
    place = Place(unsafe=True)
    assert ran(place).result.reason is Reason.SUCCEEDED
    assert [call for call in place.calls if call.startswith("warning")] == [
        "warning machine",
        "warning secret sales-http",
        "warning store",
    ]


def test_without_evidence_there_is_no_success():
    """Neither in the report, nor in what is recorded, nor in the metrics."""
    place = Place(Ended(audited=False))
    report = ran(place)
    assert report.result.reason is Reason.EVIDENCE_MISSING
    assert place.runs.kept[0].result["reason"] == "EvidenceMissing"
    assert place.kept == [("sales-onboard-1", Reason.EVIDENCE_MISSING, 2.5)]
    (problem,) = report.problems
    assert str(problem).startswith("run sales-onboard-1: ")


def test_a_failure_keeps_its_reason_without_evidence():
    place = Place(Ended(Reason.AUTH_REJECTED, "401", audited=False))
    assert ran(place).result.reason is Reason.AUTH_REJECTED


def interrupted(place):
    place.result = RunError(Reason.TERMINATED, "the run was asked to stop")
    with pytest.raises(RunError, match="asked to stop"):
        ran(place)
    place.result = Ended()


def test_a_run_that_was_cut_off_is_continued_with_the_options_of_now():
    place = Place()
    interrupted(place)
    assert place.runs.kept[0].result is None
    report = ran(place, evidence={"cacert": "other.pem"})
    assert report.continued
    assert (report.intent.run_id, report.intent.attempt) == ("sales-onboard-1", 2)
    assert report.intent.evidence == {"cacert": "other.pem"}
    assert not ran(place).continued, "it has ended"


def test_a_run_of_other_inputs_ends_the_one_that_was_cut_off():
    place = Place()
    interrupted(place)
    report = ran(place, window=("a", "b"))
    assert (report.continued, report.intent.run_id) == (False, "sales-onboard-2")
    assert place.runs.kept[0].result == {
        "run": "sales-onboard-1",
        "reason": "Killed",
        "message": "cut off",
    }


def test_a_run_into_another_store_leaves_the_one_that_was_cut_off():
    """Its first pages are where it began."""
    place = Place()
    interrupted(place)
    workspace = playbook_workspace()
    request = RunRequest(workspace.workflows[0], Store("there", "http://there:8123"))
    report = run(workspace, request, place.ports())
    assert (report.continued, report.store) == (False, "there")
    assert place.runs.kept[0].result is None
    assert ran(place).intent.run_id == "sales-onboard-1"
