"""``chartly rejects``."""

from dataclasses import asdict

from chartly_cli.output import pairs
from chartly_cli.session import Session
from chartly_service.quantity import counted
from chartly_service.rejects import RejectedRecord, RunRejects
from chartly_service.rejects import rejects as rejects_of

_LONGEST = 200
"""Characters of a value in text; JSON has all of them."""


def rejects(session: Session, name: str, limit: int) -> None:
    """Prints the rejects of a workflow's latest run."""
    workspace = session.workspace()
    frozen = workspace.freeze(workspace.workflow(name))
    datasets = [stream.storage.dataset for stream in frozen.plan.streams]
    with session.binding(workspace).opened(frozen.plan.project) as project:
        result = rejects_of(project, frozen.resolution.workflow.name, datasets, limit)
    document = {
        "run": result.run,
        "recorded": result.recorded,
        "rejects": [asdict(record) for record in result.records],
    }
    session.printer.result(document, _text(result))
    _note(session, result, limit)


def _text(result: RunRejects) -> str:
    if not result.records:
        absent = "its rejects are no longer stored" if result.recorded else "no rejects"
        return f"{result.run}: {absent}"
    return "\n\n".join([f"rejects of {result.run}", *map(_rendered_record, result.records)])


def _rendered_record(record: RejectedRecord) -> str:
    return pairs({name: _clipped(value) for name, value in asdict(record).items()})


def _clipped(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."


def _note(session: Session, result: RunRejects, limit: int) -> None:
    shown, recorded = len(result.records), result.recorded
    if shown < min(recorded, limit):
        session.printer.note(
            f"{counted(recorded, 'reject')} recorded, {shown:,} still stored; the others are past "
            "their retention, or were removed"
        )
    elif recorded > limit:
        session.printer.note(
            f"these are the first {shown:,} of {recorded:,}; raise --limit to see more"
        )
