"""``chartly teardown``."""

from contextlib import ExitStack
from datetime import UTC, datetime

import typer

from chartly.errors import REASONS, Reason, RunError
from chartly_cli.printable import one_line
from chartly_cli.session import Session
from chartly_folder.domain_files import WorkspaceFiles
from chartly_service.removal import RemovalOutcome, RemovalResult, first_failure
from chartly_service.teardown import RemovableDomain, TeardownPlan, plan_teardown, tear_down

_WORDS = {
    RemovalResult.PLANNED: "would remove",
    RemovalResult.REMOVED: "removed",
    RemovalResult.ABSENT: "removed",
    RemovalResult.FAILED: "FAILED",
    RemovalResult.WAITING: "waiting",
}


def teardown(session: Session, name: str, *, yes: bool) -> None:
    """Prints a teardown, or with ``yes`` runs it; exits with the reason of the first failure."""
    workspace = session.workspace()
    binding = session.binding(workspace)
    files = WorkspaceFiles(workspace, binding.record)
    files.add_unfinished_teardowns()
    frozen = workspace.freeze(workspace.workflow(name))
    with ExitStack() as stack:
        try:
            project = stack.enter_context(binding.opened(frozen.plan.project))
        except RunError as error:
            if error.reason is not Reason.PREREQUISITE_MISSING:
                raise
            project = None
        domain = RemovableDomain(frozen, files, project)
        plan = plan_teardown(domain)
        if not yes:
            _print_plan(session, plan)
            return
        outcomes = tear_down(domain, plan, lambda: datetime.now(UTC))
    reason = first_failure(outcomes)
    _print(session, outcomes, plan, done=reason is None)
    if reason is not None:
        _fail(session, outcomes, reason, plan.workflow.name)


def _print_plan(session: Session, plan: TeardownPlan) -> None:
    planned = [RemovalOutcome(step, RemovalResult.PLANNED) for step in plan.steps]
    _print(session, planned, plan, done=False, last=["nothing was changed; --yes does it"])


def _print(
    session: Session,
    outcomes: list[RemovalOutcome],
    plan: TeardownPlan,
    *,
    done: bool,
    last: list[str] | None = None,
) -> None:
    lines = [_line(outcome) for outcome in outcomes]
    lines += [f"kept  {part.name} ({part.because})" for part in plan.kept]
    lines += ["kept  audit logs, ledger and attempts", *(last or [])]
    document = {
        "done": done,
        "steps": [outcome.document for outcome in outcomes],
        "kept": [{"name": part.name, "because": part.because} for part in plan.kept],
    }
    session.printer.result(document, "\n".join(lines))


def _line(outcome: RemovalOutcome) -> str:
    because = f" ({outcome.message})" if outcome.message else ""
    return one_line(f"{_WORDS[outcome.result]}  {outcome.step}{because}")


def _fail(session: Session, outcomes: list[RemovalOutcome], reason: Reason, workflow: str) -> None:
    for outcome in outcomes:
        if outcome.result is RemovalResult.FAILED:
            sentence = f"error: {outcome.reason}: {outcome.step}: {outcome.message}"
            session.printer.note(one_line(sentence))
    session.printer.note(f"`chartly teardown {workflow} --yes` goes on with what is left")
    raise typer.Exit(REASONS[reason].exit_code)
