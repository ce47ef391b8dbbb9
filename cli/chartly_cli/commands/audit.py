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
            "chain": verdict.chain,
            "entries": verdict.verdict.count,
            "head": verdict.verdict.head,
            "fault": verdict.verdict.fault,
            "at": verdict.verdict.sequence or None,
            "unchained": verdict.unchained,
        }
        for verdict in verdicts
    ]
    rows = [
        [
            verdict.chain,
            verdict.verdict.count,
            _rendered_verdict(verdict),
            verdict.verdict.head[:16],
        ]
        for verdict in verdicts
    ]
    session.printer.result(document, table(["chain", "entries", "verdict", "head"], rows))
    broken = [verdict.chain for verdict in verdicts if verdict.verdict.fault]
    if broken:
        session.printer.note(f"error: {Reason.AUDIT_BROKEN}: {', '.join(broken)} not whole")
        raise typer.Exit(REASONS[Reason.AUDIT_BROKEN].exit_code)


def _rendered_verdict(verdict: ChainVerdict) -> str:
    if verdict.verdict.fault:
        return f"{verdict.verdict.fault} at entry {verdict.verdict.sequence}"
    return f"whole, last {verdict.unchained} not yet recorded" if verdict.unchained else "whole"


def show(session: Session, run: str | None) -> None:
    """Prints the events of each attempt of a run."""
    workspace = session.workspace()
    with session.binding(workspace).opened(workspace.only_project()) as project:
        entries = events(project, run)
    rows = [
        [entry.sequence, entry.event["time"], entry.event["type"], entry.hash[:12]]
        for entry in entries
    ]
    text = table(["#", "time", "type", "hash"], rows)
    session.printer.result([dict(entry.event) for entry in entries], text)
