"""``chartly test``."""

from collections.abc import Mapping

import typer

from chartly.api.workflow import Workflow
from chartly.errors import REASONS, Reason, RunError
from chartly_cli.commands.run import rendered_warning
from chartly_cli.fixture_run import run_twice
from chartly_cli.fixtures import compare, fixtures_of
from chartly_cli.printable import one_line
from chartly_cli.session import Session
from chartly_loader.load_request import LoadResult
from chartly_service.quantity import counted
from chartly_service.workspace import Workspace

__test__ = False


def test(session: Session, domain: str | None) -> None:
    """Tests one domain, or all; exits with OutputContract when something differs."""
    workspace = session.workspace()
    workspace.require_whole()
    chosen = [workspace.workflow(domain)] if domain else workspace.workflows
    if not chosen:
        raise session.place.refusal("holds no workflows/ to test")
    reports = [_test(workspace, workflow) for workflow in chosen]
    document = [report for report, _ in reports]
    session.printer.result(document, "\n".join(text for _, text in reports))
    if not all(report["ok"] for report in document):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _test(workspace: Workspace, workflow: Workflow) -> tuple[dict[str, object], str]:
    frozen = workspace.prepare(workflow)
    fixtures = fixtures_of(workspace.fixtures, workflow)
    if not fixtures:
        domain = workflow.labels.get("domain", workflow.name)
        raise workflow.place.refusal(f"has no fixtures/{domain}.sample.json")
    compared = [compare(fixture, frozen.plan) for fixture in fixtures]
    lines = [
        f"{'ok  ' if each.conforms else 'FAIL'}  {each.fixture}: {counted(each.events, 'event')}, "
        f"{'as in' if each.conforms else 'not as in'} the golden"
        for each in compared
    ]
    lines += [each.difference for each in compared if not each.conforms]
    first, second = run_twice(frozen, fixtures)
    problem = _problem(first, second)
    outputs = _listed(_fingerprints(first))
    counts = first.counts
    lines.append(
        f"{'FAIL' if problem else 'ok  '}  run twice: read {counts['read']} = loaded "
        f"{counts['loaded']} + rejected {counts['rejected']} + duplicate {counts['duplicate']} + "
        f"filtered {counts['filtered']} + late {counts['late']}; outputs {outputs}"
        + (f"; {problem}" if problem else "")
    )
    lines += [one_line(f"warn  {rendered_warning(warning)}") for warning in first.warnings]
    ok = not problem and all(each.conforms for each in compared)
    lines.append(f"{'ok  ' if ok else 'FAIL'}  {workflow}, config {frozen.snapshot.digest}")
    report: dict[str, object] = {
        "workflow": f"{workflow.name}@{workflow.version}",
        "ok": ok,
        "configDigest": frozen.snapshot.digest,
        "fixtures": [
            {"fixture": each.fixture, "events": each.events, "difference": each.difference}
            for each in compared
        ],
        "counts": counts,
        "outputs": _fingerprints(first),
        "problem": problem,
    }
    return report, "\n".join(lines)


def _problem(first: LoadResult, second: LoadResult) -> str:
    """Why two runs of one fixture differ, or lack evidence; empty where they do not."""
    for result in (first, second):
        if result.reason is not Reason.SUCCEEDED:
            raise RunError(result.reason, result.message)
        if not result.audited:
            return "audit evidence is missing"
    if first.counts != second.counts:
        return f"counts changed from {_listed(first.counts)} to {_listed(second.counts)}"
    before, after = _fingerprints(first), _fingerprints(second)
    return "" if before == after else f"outputs changed from {_listed(before)} to {_listed(after)}"


def _fingerprints(result: LoadResult) -> dict[str, str]:
    return {output.dataset: output.fingerprint for output in result.outputs}


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"
