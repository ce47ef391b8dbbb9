"""``chartly conformance``."""

import difflib
import json
from pathlib import Path
from typing import Any

import typer

from chartly.errors import REASONS, Reason, RunError, SpecError
from chartly.plan.check import check_plan
from chartly_cli.fixtures import compare, fixtures_of
from chartly_cli.output import counted
from chartly_cli.runs import write_durably
from chartly_cli.session import Session
from chartly_cli.workspace import Workspace
from chartly_store.explanation import check_explained

RECORD = "conformance.json"


def conformance(session: Session, *, update: bool) -> None:
    """Compares what the files resolve to with what was recorded, and fixtures with goldens."""
    workspace = session.workspace()
    workspace.require_whole()
    if not workspace.workflows:
        raise SpecError(f"{session.directory}: holds no workflows/ to compare")
    path = workspace.fixtures / RECORD
    now = _resolved(workspace)
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, _text(now).encode())
        session.printer.note(f"recorded {counted(len(now), 'workflow')} in {path}")
    if not path.exists():
        raise RunError(
            Reason.PREREQUISITE_MISSING,
            f"{path} is not there; `chartly conformance --update` records what is there now",
        )
    difference = _difference(path, now)
    goldens = _goldens(workspace)
    _report(session, difference, goldens, len(now))
    for workflow in workspace.workflows:
        if not fixtures_of(workspace.fixtures, workflow):
            session.printer.note(f"{workflow}: has no fixtures, so only its digests were compared")


def _resolved(workspace: Workspace) -> dict[str, Any]:
    """Each workflow's digests and fixtures, and the specs, so that a change can be shown."""
    found: dict[str, Any] = {}
    for workflow in workspace.workflows:
        frozen = workspace.freeze(workflow)
        check_plan(frozen.resolution, frozen.plan)
        check_explained(frozen.plan)
        found[f"{workflow.name}@{workflow.version}"] = {
            "configDigest": frozen.snapshot.digest,
            "fixtures": [one.name for one in fixtures_of(workspace.fixtures, workflow)],
            "profiles": {
                str(one.reference): {"digest": one.digest, "spec": one.profile.written}
                for one in frozen.resolution.profiles
            },
        }
    return found


def _goldens(workspace: Workspace) -> list[str]:
    """The differences between fixtures and their goldens."""
    differences = []
    for workflow in workspace.workflows:
        plan = workspace.freeze(workflow).plan
        for fixture in fixtures_of(workspace.fixtures, workflow):
            compared = compare(fixture, plan)
            if not compared.conforms:
                differences.append(compared.difference)
    return differences


def _difference(path: Path, now: dict[str, Any]) -> str:
    recorded = path.read_text(encoding="utf-8")
    comparable = _text(_without_unrecorded(now, recorded)).splitlines()
    lines = difflib.unified_diff(
        recorded.splitlines(), comparable, f"{path.name} (recorded)", "now", lineterm="", n=4
    )
    return "\n".join(lines)


def _without_unrecorded(now: dict[str, Any], recorded: str) -> dict[str, Any]:
    """Leaves fixtures out where a record of an earlier version does not have them."""
    try:
        before = json.loads(recorded)
        lacking = {name for name, entry in before.items() if "fixtures" not in entry}
    except (ValueError, AttributeError, TypeError):
        return now
    return {
        name: {key: value for key, value in entry.items() if key != "fixtures"}
        if name in lacking
        else entry
        for name, entry in now.items()
    }


def _report(session: Session, difference: str, goldens: list[str], count: int) -> None:
    conforms = not difference and not goldens
    document = {"conforms": conforms, "difference": difference, "goldens": goldens}
    verb = "conforms" if count == 1 else "conform"
    text = f"{counted(count, 'workflow')} {verb}"
    if not conforms:
        text = "\n".join([difference, *goldens]).strip()
    session.printer.result(document, text)
    if not conforms:
        session.printer.note(
            f"error: {Reason.OUTPUT_CONTRACT}: profiles or fixtures differ from what was recorded; "
            f"give a changed profile a new version, or record it with --update"
        )
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
