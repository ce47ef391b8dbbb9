"""``chartly audit verify`` and ``chartly audit show``."""

import typer

from chartly.errors import REASONS, Reason
from chartly.evidence.hash_chain import ChainVerdict
from chartly_cli.output import table
from chartly_cli.session import Session
from chartly_service.audit import events


def verify(session: Session) -> None:
    """Prints a verdict for every chain; exits with AuditBroken when one is not whole."""
    workspace = session.workspace()
    with session.binding(workspace).opened(workspace.only_project()) as project:
        verdicts = project.verify_chains()
    document = [
        {
            "chain": one.chain,
            "entries": one.verdict.count,
            "head": one.verdict.head,
            "fault": one.verdict.fault,
            "at": one.verdict.sequence or None,
            "unchained": one.unchained,
        }
        for one in verdicts
    ]
    rows = [
        [
            one.chain,
            one.verdict.count,
            _shown(one),
            one.verdict.head[:16],
        ]
        for one in verdicts
    ]
    session.printer.result(document, table(["chain", "entries", "verdict", "head"], rows))
    broken = [one.chain for one in verdicts if one.verdict.fault]
    if broken:
        session.printer.note(f"error: {Reason.AUDIT_BROKEN}: {', '.join(broken)} not whole")
        raise typer.Exit(REASONS[Reason.AUDIT_BROKEN].exit_code)


def _shown(one: ChainVerdict) -> str:
    if one.verdict.fault:
        return f"{one.verdict.fault} at entry {one.verdict.sequence}"
    return f"whole, last {one.unchained} not yet recorded" if one.unchained else "whole"


def show(session: Session, run: str | None) -> None:
    """Prints the events of each attempt of a run."""
    workspace = session.workspace()
    with session.binding(workspace).opened(workspace.only_project()) as project:
        entries = events(project, run)
    rows = [[one.sequence, one.event["time"], one.event["type"], one.hash[:12]] for one in entries]
    text = table(["#", "time", "type", "hash"], rows)
    session.printer.result([dict(one.event) for one in entries], text)
