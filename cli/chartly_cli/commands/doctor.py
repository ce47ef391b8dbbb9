"""``chartly doctor``."""

from pathlib import Path

import typer

from chartly.errors import REASONS
from chartly_cli.local_site import LocalSite
from chartly_cli.printable import one_line
from chartly_cli.query_engine import check_queries
from chartly_cli.session import Session
from chartly_service.doctor import doctor as prerequisites_of
from chartly_service.prerequisites import Prerequisite


def doctor(session: Session, secrets: Path | None) -> None:
    """Prints each prerequisite; exits with the reason of the first that is missing.

    A warning is no failure: the run would start, and something about it is unsafe.
    """
    workspace = session.workspace()
    binding = session.binding(workspace)
    site = LocalSite(workspace.root, secrets or workspace.state / "secrets", binding)
    checked = prerequisites_of(workspace, site, check_queries)
    document = [
        {
            "check": prerequisite.name,
            "ok": prerequisite.ok,
            "warning": prerequisite.warning,
            "sentence": prerequisite.sentence,
        }
        for prerequisite in checked
    ]
    session.printer.result(document, "\n".join(map(_line, checked)))
    failed = next((prerequisite for prerequisite in checked if not prerequisite.ok), None)
    if failed is not None:
        raise typer.Exit(REASONS[failed.reason].exit_code)


def _line(prerequisite: Prerequisite) -> str:
    verdict = "FAIL"
    if prerequisite.ok:
        verdict = "WARN" if prerequisite.warning else "ok  "
    return one_line(f"{verdict}  {prerequisite.name}: {prerequisite.sentence}")
