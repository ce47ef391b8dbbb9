"""``chartly status``: the playbook's definition of done, with the evidence for each criterion."""

import typer

from chartly.errors import REASONS, Reason
from chartly_cli.criteria import criteria
from chartly_cli.printable import one_line
from chartly_cli.session import Session

_MARKS = {True: "yes", False: "NO ", None: "?  "}


def status(session: Session, domain: str) -> None:
    """Prints the six criteria; exits with OutputContract unless all of them hold."""
    workspace = session.workspace()
    found = list(criteria(workspace, workspace.freeze(workspace.workflow(domain))))
    document = [
        {"criterion": one.name, "holds": one.holds, "evidence": one.evidence} for one in found
    ]
    lines = [one_line(f"{_MARKS[one.holds]}  {one.name}: {one.evidence}") for one in found]
    session.printer.result(document, "\n".join(lines))
    if not all(one.holds for one in found):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)
