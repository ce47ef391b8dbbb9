"""A run on this machine: freeze, connector beside loader, evidence; the same code as a cluster's.

The connector is a process of its own, so that the credential and the store never share one.
"""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chartly.api.place import Place
from chartly.api.workflow import Workflow
from chartly.errors import REASONS, ChartlyError, Problem, Reason
from chartly.plan.digest import run_digest
from chartly.plan.prepare import FrozenWorkflow
from chartly.warning import written
from chartly_cli.checks import insist, machine_checks, run_checks, store_checks
from chartly_cli.interruption import AttemptLimits, interruptible
from chartly_cli.runs import SNAPSHOT, Intent, RunFolder, new_run_id, run_folders
from chartly_cli.session import exclusive
from chartly_cli.store_binding import Binding
from chartly_cli.workspace import Workspace
from chartly_spool.segment import END, Counters, End
from chartly_spool.writer import SpoolWriter

if TYPE_CHECKING:
    from chartly_loader.request import LoadResult, OnProgress

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class RunOptions:
    """What a run may be told beside its workflow.

    Attributes:
        store: where it loads into.
        connect_to: ``HOST:PORT=ADDR:PORT``, as curl's; the only way to a loopback server.
        max_memory: bytes that its processes may take together.
    """

    secrets: Path
    store: Binding
    window: tuple[str, str] | None = None
    connect_to: tuple[str, ...] = ()
    cacert: Path | None = None
    actor: str = "unverified"
    max_memory: int | None = None


@dataclass(frozen=True)
class RunReport:
    """What a run has to tell."""

    intent: Intent
    continued: bool
    result: "LoadResult"
    folder: Path
    seconds: float
    workflow: str
    store: str
    digests: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        result = asdict(self.result)
        result["reason"] = self.result.reason.value
        result["warnings"] = written(self.result.warnings)
        result["newest"] = {name: moment.isoformat() for name, moment in self.result.newest.items()}
        return {
            "run": self.intent.run_id,
            "attempt": self.intent.attempt,
            "continued": self.continued,
            "workflow": self.workflow,
            "store": self.store,
            "project": self.intent.project,
            "configDigest": self.intent.config_digest,
            "runDigest": self.intent.run_digest,
            "frozenAt": self.intent.frozen_at,
            "window": self.intent.window,
            "profiles": self.digests,
            "evidence": self.intent.evidence,
            "seconds": round(self.seconds, 3),
            "folder": str(self.folder),
            "problems": [one.document() for one in self.problems],
            **result,
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the run did not succeed."""
        if self.result.reason is Reason.SUCCEEDED:
            return ()
        place = Place(object=f"run {self.intent.run_id}")
        return (place.problem(self.result.message, reason=self.result.reason),)


def run_workflow(
    workspace: Workspace, workflow: Workflow, options: RunOptions, on_progress: "OnProgress"
) -> RunReport:
    """Runs a workflow, or goes on with the run of it that was cut off.

    Raises:
        ChartlyError: it could not start; how it ended, otherwise, is in the report.
    """
    insist(machine_checks(workspace, options.store))
    frozen = workspace.freeze(workflow)
    insist(run_checks(frozen, options.secrets))
    insist(store_checks(options.store))
    with exclusive(workspace) as state:
        run, continued = _prepared(state, workflow, frozen, options)
        result, seconds = _attempt(run, frozen, options, on_progress)
        report = RunReport(
            intent=run.intent,
            continued=continued,
            result=result,
            folder=run.path,
            seconds=seconds,
            workflow=f"{workflow.name}@{workflow.version}",
            store=options.store.name,
            digests={str(one.reference): one.digest for one in frozen.plan.profiles},
        )
        run.finish(report.document())
        return report


def _prepared(
    state: Path, workflow: Workflow, frozen: FrozenWorkflow, options: RunOptions
) -> tuple[RunFolder, bool]:
    """The folder of the run: that of one which was cut off, or a new one.

    A run that was cut off goes on only in the store that has its first pages.
    """
    digest = run_digest(frozen.snapshot.digest, {}, options.window)
    for folder in run_folders(state):
        intent = folder.intent
        elsewhere = intent.store != options.store.record
        if folder.result is not None or intent.workflow != workflow.name or elsewhere:
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
        store=options.store.record,
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


def evidenced(result: "LoadResult") -> "LoadResult":
    """The result, which is no success without the evidence of one."""
    if result.reason is not Reason.SUCCEEDED or result.audited:
        return result
    missing = Reason.EVIDENCE_MISSING
    return replace(result, reason=missing, message=REASONS[missing].meaning)


def _attempt(
    run: RunFolder, frozen: FrozenWorkflow, options: RunOptions, on_progress: "OnProgress"
) -> tuple["LoadResult", float]:
    """How an attempt ended, and after how many seconds.

    The store is opened while the connector starts, which asks an API for nothing before the loader
    has said where to start.
    """
    started = time.monotonic()
    with (
        ExitStack() as store,
        _spool(run) as spool,
        _connector(run, options, spool) as connector,
        interruptible(connector, _limits(frozen, options)),
    ):
        from chartly_cli.attempt import Attempting, keep_metrics, loaded  # noqa: PLC0415 - see there

        engine = store.enter_context(options.store.engine())
        attempt = Attempting(run, frozen.plan, options.actor, spool)
        checkpoint = options.store.checkpoint(frozen.plan.project)
        result = loaded(attempt, checkpoint, engine, on_progress)
    seconds = time.monotonic() - started
    result = evidenced(result)
    keep_metrics(run, frozen.plan, result, seconds)
    return result, seconds


def _limits(frozen: FrozenWorkflow, options: RunOptions) -> AttemptLimits:
    """What an attempt may take; whoever starts another one gives it as much again."""
    deadlines = frozen.resolution.workflow.spec.deadlines
    return AttemptLimits(deadlines.run if deadlines else None, options.max_memory)


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
    run: RunFolder, options: RunOptions, spool: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The connector's process; it is gone when the block ends."""
    intent = run.intent
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
