"""Runs a workflow of a folder on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

import typer

from chartly.api.workflow import Workflow
from chartly_cli.local_launcher import LocalLauncher, RunOptions
from chartly_cli.local_site import LocalSite
from chartly_folder.run_folder import RunFolders
from chartly_folder.state_folder import exclusive
from chartly_service.prerequisites import Prerequisite
from chartly_service.run import RunPorts, RunReport, RunRequest, run
from chartly_service.workspace import Workspace

if TYPE_CHECKING:
    from chartly_loader.load_request import LoadResult, OnProgress

LocalReport: TypeAlias = "RunReport[LoadResult]"


def run_workflow(
    workspace: Workspace, workflow: Workflow, options: RunOptions, on_progress: "OnProgress"
) -> LocalReport:
    """Runs a workflow, or continues the run of it that was cut off; prints warnings.

    Raises:
        ChartlyError: it could not start; how it ended, otherwise, is in the report.
    """

    @contextmanager
    def runs() -> Iterator[RunFolders]:
        with exclusive(workspace) as state:
            yield RunFolders(state)

    ports = RunPorts(
        site=LocalSite(workspace.root, options.secrets, options.store),
        runs=runs,
        launcher=LocalLauncher(RunFolders(workspace.state), options, on_progress),
        now=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        on_warning=_warn,
    )
    request = RunRequest(workflow, options.store, options.window, options.evidence)
    return run(workspace, request, ports)


def _warn(prerequisite: Prerequisite) -> None:
    typer.echo(f"warning: {prerequisite.name}: {prerequisite.sentence}", err=True)
