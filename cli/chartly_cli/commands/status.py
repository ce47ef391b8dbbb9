"""``chartly status``: the playbook's success criteria, each with its evidence."""

from functools import partial

import typer

from chartly.errors import REASONS, Reason
from chartly_cli.fixture_trials import WorkspaceTrials
from chartly_cli.printable import one_line
from chartly_cli.session import Session
from chartly_cli.store_binding import Binding
from chartly_folder.run_folder import RunFolders
from chartly_service.status import Judgement, StatusSources, criteria
from chartly_service.workspace import Workspace

_MARKS = {True: "yes", False: "NO ", None: "?  "}


def status(session: Session, domain: str) -> None:
    """Prints the six criteria; exits with OutputContract unless all of them hold."""
    workspace = session.workspace()
    frozen = workspace.freeze(workspace.workflow(domain))
    binding = session.binding(workspace)
    sources = StatusSources(
        trials=WorkspaceTrials(workspace, frozen),
        opened=partial(binding.opened, frozen.plan.project),
        metrics=partial(_metrics, workspace, binding),
    )
    judged = list(criteria(frozen, sources))
    document = [
        {"criterion": criterion.name, "holds": criterion.holds, "evidence": criterion.evidence}
        for criterion in judged
    ]
    lines = [one_line(f"{_MARKS[each.holds]}  {each.name}: {each.evidence}") for each in judged]
    session.printer.result(document, "\n".join(lines))
    if not all(criterion.holds for criterion in judged):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _metrics(workspace: Workspace, binding: Binding, run: str) -> Judgement:
    """Whether a run's metrics are in its folder; those of a run elsewhere are not known here."""
    folder = RunFolders(workspace.state).folder(run)
    if folder.metrics.exists():
        return True, f"metrics in {folder.metrics}"
    if binding.record and not folder.path.exists():
        return None, f"its metrics are where it ran, not in {folder.path.parent}"
    return False, f"{folder.metrics} is missing"
