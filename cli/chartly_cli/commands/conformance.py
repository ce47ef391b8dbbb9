"""``chartly conformance``."""

import difflib
import json
from pathlib import Path
from typing import Any

import typer

from chartly.api.place import Place
from chartly.errors import REASONS, Reason, RunError
from chartly_cli.fixtures import compare, fixtures_of, strays
from chartly_cli.session import Session
from chartly_folder.durable_file import write_durably
from chartly_service.quantity import counted
from chartly_service.workspace import Workspace
from chartly_store.explanation import check_explained

RECORD = "conformance.json"


def conformance(session: Session, *, update: bool) -> None:
    """Compares what the files resolve to with what was recorded, and fixtures with goldens."""
    workspace = session.workspace()
    workspace.require_whole()
    if not workspace.workflows:
        raise session.place.refusal("holds no workflows/ to compare")
    path = workspace.fixtures / RECORD
    now, goldens = _resolved(workspace), _goldens(workspace)
    if update and not goldens:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, _rendered_record(now).encode())
        session.printer.note(f"recorded {counted(len(now), 'workflow')} in {path}")
    difference = "" if update else _difference(session, path, now)
    _report(session, difference, goldens, len(now))
    for workflow in workspace.workflows:
        if not fixtures_of(workspace.fixtures, workflow):
            session.printer.note(f"{workflow}: has no fixtures, so only its digests were compared")
    for sample in strays(workspace.fixtures, workspace.workflows):
        session.printer.note(f"{sample}: is the fixture of no workflow, and was not compared")


def _resolved(workspace: Workspace) -> dict[str, Any]:
    """Each workflow's digests and fixtures, and the specs, so that a change can be shown."""
    resolved: dict[str, Any] = {}
    for workflow in workspace.workflows:
        frozen = workspace.prepare(workflow)
        with frozen.resolution.locating():
            check_explained(frozen.plan)
        resolved[f"{workflow.name}@{workflow.version}"] = {
            "configDigest": frozen.snapshot.digest,
            "fixtures": [fixture.name for fixture in fixtures_of(workspace.fixtures, workflow)],
            "profiles": {
                str(resolved_profile.reference): {
                    "digest": resolved_profile.digest,
                    "spec": resolved_profile.profile.written,
                }
                for resolved_profile in frozen.resolution.profiles
            },
        }
    return resolved


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


def _difference(session: Session, path: Path, now: dict[str, Any]) -> str:
    text, recorded = _recorded(path)
    lacking = {name for name, entry in recorded.items() if "fixtures" not in entry}
    if lacking:
        session.printer.note(
            f"{path}: was recorded without fixtures, so a missing one is not noticed; "
            f"record it anew with --update"
        )
    comparable = {
        name: {key: part for key, part in entry.items() if key != "fixtures" or name not in lacking}
        for name, entry in now.items()
    }
    lines = difflib.unified_diff(
        text.splitlines(),
        _rendered_record(comparable).splitlines(),
        f"{path.name} (recorded)",
        "now",
        lineterm="",
        n=4,
    )
    return "\n".join(lines)


def _recorded(path: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """What was recorded, as text and as it reads.

    Raises:
        RunError: ``PrerequisiteMissing``: nothing was recorded.
        SpecError: the file is not what ``--update`` writes.
    """
    if not path.exists():
        raise RunError(
            Reason.PREREQUISITE_MISSING,
            f"{path} is not there; `chartly conformance --update` records what is there now",
        )
    try:
        text = path.read_text(encoding="utf-8")
        record = json.loads(text)
    except (ValueError, RecursionError):
        text, record = "", None
    if not isinstance(record, dict) or not all(
        isinstance(entry, dict) for entry in record.values()
    ):
        raise Place(object=str(path)).refusal(
            "is not a record of workflows; record it anew with --update"
        )
    return text, record


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
            f"error: {Reason.OUTPUT_CONTRACT}: "
            + (
                "events differ from a golden; correct the golden, or what makes them differ"
                if goldens
                else "profiles or fixtures differ from what was recorded; "
                "give a changed profile a new version, or record it with --update"
            )
        )
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _rendered_record(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
