"""``chartly test``."""

from dataclasses import dataclass

import typer

from chartly.api.workflow import Workflow
from chartly.errors import REASONS, Reason
from chartly.plan.prepare import FrozenWorkflow
from chartly_cli.commands.run import rendered_warning
from chartly_cli.fixture_trials import WorkspaceTrials
from chartly_cli.printable import one_line
from chartly_cli.session import Session
from chartly_service.quantity import counted
from chartly_service.trial import ComparedGolden, TrialVerdict, listed, try_fixtures
from chartly_service.workspace import Workspace

__test__ = False


def test(session: Session, domain: str | None) -> None:
    """Tests one domain, or all; exits with OutputContract when something differs."""
    workspace = session.workspace()
    workspace.require_whole()
    chosen = [workspace.workflow(domain)] if domain else workspace.workflows
    if not chosen:
        raise session.place.refusal("holds no workflows/ to test")
    tested = [_test(workspace, workflow) for workflow in chosen]
    document = [workflow.document() for workflow in tested]
    session.printer.result(document, "\n".join(workflow.text() for workflow in tested))
    if not all(workflow.verdict.ok for workflow in tested):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _test(workspace: Workspace, workflow: Workflow) -> "_TestedWorkflow":
    frozen = workspace.prepare(workflow)
    trials = WorkspaceTrials(workspace, frozen)
    if not trials.fixtures:
        domain = workflow.labels.get("domain", workflow.name)
        raise workflow.place.refusal(f"has no fixtures/{domain}.sample.json")
    return _TestedWorkflow(frozen, try_fixtures(trials))


@dataclass(frozen=True)
class _TestedWorkflow:
    """A workflow and the verdict on its fixtures, as they are printed."""

    frozen: FrozenWorkflow
    verdict: TrialVerdict

    def document(self) -> dict[str, object]:
        workflow, verdict = self.frozen.resolution.workflow, self.verdict
        return {
            "workflow": f"{workflow.name}@{workflow.version}",
            "ok": verdict.ok,
            "configDigest": self.frozen.snapshot.digest,
            "fixtures": [
                {"fixture": each.fixture, "events": each.events, "difference": each.difference}
                for each in verdict.compared
            ],
            "counts": verdict.run.counts,
            "outputs": verdict.run.outputs,
            "problem": verdict.problem,
        }

    def text(self) -> str:
        verdict, digest = self.verdict, self.frozen.snapshot.digest
        workflow = self.frozen.resolution.workflow
        lines = [
            *map(_golden_line, verdict.compared),
            *(golden.difference for golden in verdict.compared if not golden.conforms),
            _run_line(verdict),
            *(one_line(f"warn  {rendered_warning(each)}") for each in verdict.run.warnings),
            f"{_mark(ok=verdict.ok)}  {workflow}, config {digest}",
        ]
        return "\n".join(lines)


def _golden_line(golden: ComparedGolden) -> str:
    events = counted(golden.events, "event")
    relation = "as in" if golden.conforms else "not as in"
    return f"{_mark(ok=golden.conforms)}  {golden.fixture}: {events}, {relation} the golden"


def _run_line(verdict: TrialVerdict) -> str:
    counts = verdict.run.counts
    problem = f"; {verdict.problem}" if verdict.problem else ""
    return (
        f"{_mark(ok=not verdict.problem)}  run twice: read {counts['read']} = loaded "
        f"{counts['loaded']} + rejected {counts['rejected']} + duplicate {counts['duplicate']} + "
        f"filtered {counts['filtered']} + late {counts['late']}; outputs "
        f"{listed(verdict.run.outputs)}{problem}"
    )


def _mark(*, ok: bool) -> str:
    return "ok  " if ok else "FAIL"
