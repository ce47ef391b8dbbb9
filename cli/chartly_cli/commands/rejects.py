"""``chartly rejects``."""

from dataclasses import asdict

from chartly_cli.output import table
from chartly_cli.session import Session
from chartly_service.rejects import RunRejects
from chartly_service.rejects import rejects as rejects_of

_MESSAGE, _REFERENCE = 70, 22
"""Characters of them that a table has room for."""


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
    session.printer.result(document, _table(result))
    _note(session, result, limit)


def _table(result: RunRejects) -> str:
    if not result.records:
        absent = "none of its rejects is there" if result.recorded else "no rejects"
        return f"{result.run}: {absent}"
    rows = [
        [each.reason, each.field, each.message[:_MESSAGE], each.raw_ref[:_REFERENCE] + "..."]
        for each in result.records
    ]
    return f"rejects of {result.run}\n{table(['reason', 'field', 'message', 'raw_ref'], rows)}"


def _note(session: Session, result: RunRejects, limit: int) -> None:
    shown, recorded = len(result.records), result.recorded
    if shown < min(recorded, limit):
        session.printer.note(
            f"{recorded:,} were recorded and {shown:,} are there; the others are past their "
            "retention, or were removed"
        )
    elif recorded > limit:
        session.printer.note(f"the first {limit} of {recorded:,}; --limit takes more")
