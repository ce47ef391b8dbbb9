"""A run on this machine: freeze, connector beside loader, evidence; the same code as a cluster's.

The connector is a process of its own, so that the credential and the store never share one.
"""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from chartly.api.workflow import Workflow
from chartly.errors import ChartlyError, Reason, RunError
from chartly.plan.digest import run_digest
from chartly_cli.checks import insist, machine_checks, run_checks
from chartly_cli.runs import (
    METRICS,
    SNAPSHOT,
    Intent,
    RunFolder,
    new_run_id,
    run_folders,
)
from chartly_cli.session import checkpoint_path, exclusive, opened_store
from chartly_cli.workspace import Frozen, Workspace
from chartly_loader.metrics import run_metrics, write_metrics
from chartly_loader.request import LoadRequest, LoadResult, OnProgress
from chartly_loader.run import load
from chartly_spool.segment import END, Counters, End
from chartly_spool.writer import SpoolWriter
from chartly_store.port import Engine

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class RunOptions:
    """What a run may be told beside its workflow.

    Attributes:
        connect_to: ``HOST:PORT=ADDR:PORT``, as curl's; the only way to a loopback server.
    """

    secrets: Path
    window: tuple[str, str] | None = None
    connect_to: tuple[str, ...] = ()
    cacert: Path | None = None
    actor: str = "unverified"


@dataclass(frozen=True)
class RunReport:
    """What a run has to tell."""

    intent: Intent
    continued: bool
    result: LoadResult
    folder: Path
    seconds: float
    workflow: str
    digests: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        result = asdict(self.result)
        result["reason"] = self.result.reason.value
        return {
            "run": self.intent.run_id,
            "attempt": self.intent.attempt,
            "continued": self.continued,
            "workflow": self.workflow,
            "project": self.intent.project,
            "configDigest": self.intent.config_digest,
            "runDigest": self.intent.run_digest,
            "frozenAt": self.intent.frozen_at,
            "window": self.intent.window,
            "profiles": self.digests,
            "evidence": self.intent.evidence,
            "seconds": round(self.seconds, 3),
            "folder": str(self.folder),
            **result,
        }


def run_workflow(
    workspace: Workspace, workflow: Workflow, options: RunOptions, on_progress: OnProgress
) -> RunReport:
    """Runs a workflow, or goes on with the run of it that was cut off.

    Raises:
        ChartlyError: it could not start; how it ended, otherwise, is in the report.
    """
    insist(machine_checks(workspace))
    frozen = workspace.freeze(workflow)
    insist(run_checks(frozen, options.secrets))
    with exclusive(workspace) as state:
        run, continued = _prepared(state, workflow, frozen, options)
        started = time.monotonic()
        with _spool(run) as spool, opened_store(state) as engine:
            result = _attempt(run, frozen, options, spool, engine, on_progress)
        report = RunReport(
            intent=run.intent,
            continued=continued,
            result=result,
            folder=run.path,
            seconds=time.monotonic() - started,
            workflow=f"{workflow.name}@{workflow.version}",
            digests={str(one.reference): one.digest for one in frozen.plan.profiles},
        )
        write_metrics(
            run_metrics(result, frozen.plan, workflow.name, report.seconds), run.path / METRICS
        )
        run.finish(report.document())
        return report


def _prepared(
    state: Path, workflow: Workflow, frozen: Frozen, options: RunOptions
) -> tuple[RunFolder, bool]:
    """The folder of the run: that of one which was cut off, or a new one."""
    digest = run_digest(frozen.snapshot.digest, {}, options.window)
    for folder in run_folders(state):
        intent = folder.intent
        if folder.result is not None or intent.workflow != workflow.name:
            continue
        if intent.run_digest == digest:
            folder.next_attempt(_evidence(options))
            return folder, True
        folder.finish({"run": intent.run_id, "reason": Reason.KILLED.value, "message": "cut off"})
    run_id = new_run_id(workflow.name)
    folder = RunFolder(state / "runs" / run_id)
    intent = Intent(
        run_id=run_id,
        workflow=workflow.name,
        version=workflow.version,
        project=str(frozen.plan.project),
        config_digest=frozen.snapshot.digest,
        run_digest=digest,
        frozen_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        attempt=1,
        window=options.window,
        evidence=_evidence(options),
    )
    folder.begin(intent, frozen.snapshot.content)
    return folder, False


def _evidence(options: RunOptions) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if options.connect_to:
        said["connectTo"] = list(options.connect_to)
    if options.cacert is not None:
        said["cacert"] = str(options.cacert)
    return said


def _attempt(  # noqa: PLR0913, PLR0917 - the parts of an attempt, brought together here alone
    run: RunFolder,
    frozen: Frozen,
    options: RunOptions,
    spool: Path,
    engine: Engine,
    on_progress: OnProgress,
) -> LoadResult:
    intent = run.intent
    plan = frozen.plan
    request = LoadRequest(
        plan=plan,
        workflow=intent.workflow,
        workflow_version=intent.version,
        run_id=intent.run_id,
        attempt=intent.attempt,
        ingested_at=intent.moment,
        run_digest=intent.run_digest,
        spool=spool,
        checkpoint=checkpoint_path(run.path.parents[1], plan.project),
        window=_window(intent),
        actor=options.actor,
        evidence=intent.evidence,
    )
    with _connector(run, intent, options, spool) as connector, _cancellable(connector):
        return load(request, engine, on_progress, lambda: datetime.now(UTC))


def _window(intent: Intent) -> tuple[datetime, datetime] | None:
    if intent.window is None:
        return None
    start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in intent.window)
    return start, end


@contextmanager
def _spool(run: RunFolder) -> Iterator[Path]:
    """A fresh spool; whatever an earlier attempt left is not in the ledger, and goes.

    Each attempt has its own: a connector whose loader was killed may still write into the old one.
    """
    for left in run.path.glob("spool-*"):
        shutil.rmtree(left, ignore_errors=True)
    spool = run.path / f"spool-{run.intent.attempt}"
    spool.mkdir()
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


@contextmanager
def _connector(
    run: RunFolder, intent: Intent, options: RunOptions, spool: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The connector's process; it is gone when the block ends."""
    command = [sys.executable, "-I", "-m", "chartly_connector"]
    command += ["--snapshot", str(run.path / SNAPSHOT), "--digest", intent.config_digest]
    command += ["--project", intent.project, "--spool", str(spool)]
    command += ["--secrets", str(options.secrets.absolute())]
    for pin in options.connect_to:
        command += ["--connect-to", pin]
    if options.cacert is not None:
        command += ["--cacert", str(options.cacert.absolute())]
    with (run.path / "connector.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        watch = threading.Thread(target=_tell_end, args=(process, spool))
        watch.start()
        try:
            yield process
        finally:
            _stop(process)
            watch.join()


def _tell_end(process: subprocess.Popen[bytes], spool: Path) -> None:
    """A connector that dies before it takes its lock leaves no sign of it; this is one."""
    code = process.wait()
    # Where the loader is through first, the spool is gone, and nobody waits.
    with suppress(ChartlyError, OSError), SpoolWriter(spool) as writer:
        if not (spool / END).exists():
            message = f"the connector ended with code {code} and without saying how"
            writer.end(End(0, Reason.PEER_LOST, message, Counters()))


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _cancellable(connector: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the connector first; the loader then records the end."""

    def cancel(number: int, _frame: FrameType | None) -> None:
        connector.terminate()
        reason = Reason.CANCELLED if number == signal.SIGINT else Reason.TERMINATED
        raise RunError(reason, "the run was asked to stop")

    before: dict[int, Callable[..., Any] | int | None] = {
        number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
