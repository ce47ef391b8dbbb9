"""``chartly rejects``."""

from chartly.errors import Reason, RunError
from chartly.load.sql import qualified
from chartly.load.tables import rejected_table
from chartly_cli.output import table
from chartly_cli.session import Session
from chartly_cli.stored import stored
from chartly_store.attempts import Attempts
from chartly_store.ledger import Ledger

_COLUMNS = ("reason", "field", "path", "message", "raw_ref", "record")


def rejects(session: Session, name: str, limit: int) -> None:
    """Prints the rejects of a workflow's latest run."""
    workspace = session.workspace()
    frozen = workspace.freeze(workspace.workflow(name))
    workflow = frozen.resolution.workflow.name
    with stored(workspace, frozen.plan.project) as found:
        attempts = Attempts(found.store).of_workflow(workflow)
        if not attempts:
            raise RunError(
                Reason.PREREQUISITE_MISSING, f"workflow {workflow!r} has not run yet; run it first"
            )
        run = attempts[0].run_id
        totals = Ledger(found.store).totals(run)
        rows: list[tuple[object, ...]] = []
        for stream in frozen.plan.streams:
            if not found.store.columns(rejected_table(stream.storage.dataset)):
                continue
            target = qualified(found.store.database, rejected_table(stream.storage.dataset))
            rows += found.engine.rows(
                f"SELECT {', '.join(_COLUMNS)} FROM {target} FINAL "  # noqa: S608 - quoted names
                f"WHERE run_id = {{run:String}} ORDER BY segment, raw_ref LIMIT {limit}",
                {"run": run},
            )
    document = {
        "run": run,
        "recorded": totals["rejected"],
        "rejects": [dict(zip(_COLUMNS, row, strict=True)) for row in rows],
    }
    short = [[*row[:2], str(row[3])[:70], str(row[4])[:22] + "..."] for row in rows]
    text = table(["reason", "field", "message", "raw_ref"], short)
    counted = totals["rejected"]
    none = f"{run}: {'none of its rejects is there' if counted else 'no rejects'}"
    session.printer.result(document, f"rejects of {run}\n{text}" if rows else none)
    if len(rows) < min(counted, limit):
        session.printer.note(
            f"{counted:,} were recorded and {len(rows):,} are there; the others are past their "
            "retention, or were removed"
        )
    elif counted > limit:
        session.printer.note(f"the first {limit} of {counted:,}; --limit takes more")
