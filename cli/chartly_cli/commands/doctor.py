"""``chartly doctor``."""

from pathlib import Path

import typer

from chartly.errors import REASONS, ChartlyError
from chartly_cli.checks import (
    Check,
    machine_checks,
    profile_checks,
    query_checks,
    run_checks,
    store_checks,
)
from chartly_cli.printable import one_line
from chartly_cli.session import Session


def doctor(session: Session, secrets: Path | None) -> None:
    """Prints each prerequisite; exits with the reason of the first that is missing.

    A warning is no failure: the run would go, and something about it is unsafe.
    """
    workspace = session.workspace()
    binding = session.binding(workspace)
    checks = [
        *machine_checks(workspace, binding),
        *store_checks(binding),
        *profile_checks(workspace),
    ]
    if not workspace.problems:
        for workflow in workspace.workflows:
            try:
                frozen = workspace.freeze(workflow)
            except ChartlyError as error:
                checks.append(Check("plan", ok=False, sentence=error.message, reason=error.reason))
                continue
            checks += run_checks(frozen, secrets or workspace.state / "secrets")
            if all(one.ok for one in checks):
                checks += query_checks(frozen)
    checks = list(dict.fromkeys(checks))
    document = [
        {"check": one.name, "ok": one.ok, "warning": one.warning, "sentence": one.sentence}
        for one in checks
    ]
    lines = [one_line(f"{_verdict(one)}  {one.name}: {one.sentence}") for one in checks]
    session.printer.result(document, "\n".join(lines))
    failed = next((one for one in checks if not one.ok), None)
    if failed is not None:
        raise typer.Exit(REASONS[failed.reason].exit_code)


def _verdict(check: Check) -> str:
    if not check.ok:
        return "FAIL"
    return "WARN" if check.warning else "ok  "
