"""Launches attempts on this machine: the connector beside the loader, the same code as a cluster's.

The connector is a process of its own, so that the credential and the store never share one.
"""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chartly.errors import ChartlyError, Reason
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.runplan import RunPlan
from chartly_cli.interruption import AttemptLimits, interruptible
from chartly_cli.store_binding import Binding
from chartly_folder.run_folder import SNAPSHOT, RunFolder, RunFolders
from chartly_service.runs import RunIntent
from chartly_spool.segment import END, Counters, End
from chartly_spool.spool_writer import SpoolWriter

if TYPE_CHECKING:
    from chartly_loader.load_request import LoadResult, OnProgress

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class RunOptions:
    """The options of a run.

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

    @property
    def evidence(self) -> dict[str, Any]:
        """Options that change where the run goes."""
        pins = {"connectTo": list(self.connect_to)} if self.connect_to else {}
        trust = {} if self.cacert is None else {"cacert": str(self.cacert)}
        return {**pins, **trust}


@dataclass(frozen=True)
class LocalLauncher:
    """Launches attempts whose runs have their folders here."""

    folders: RunFolders
    options: RunOptions
    on_progress: "OnProgress"

    def launch(self, intent: RunIntent, frozen: FrozenWorkflow) -> "LoadResult":
        """Runs an attempt to its end.

        The store is opened while the connector starts, which sends no request before the loader
        has written where to start.

        Raises:
            ChartlyError: it could not start, or was interrupted before it could record its end.
        """
        run = self.folders.folder(intent.run_id)
        with (
            ExitStack() as store,
            _spool(run, intent.attempt) as spool,
            _connector(run, self.options, spool) as connector,
            interruptible(connector, self._limits(frozen)),
        ):
            from chartly_cli.attempt_loading import LocalAttempt, load_attempt  # noqa: PLC0415 - see there

            binding = self.options.store
            engine = store.enter_context(binding.engine())
            checkpoint = binding.checkpoint(frozen.plan.project)
            attempt = LocalAttempt(intent, frozen.plan, self.options.actor, spool, checkpoint)
            return load_attempt(attempt, engine, self.on_progress)

    def keep_metrics(
        self, intent: RunIntent, plan: RunPlan, result: "LoadResult", seconds: float
    ) -> None:
        """Writes the metrics of an attempt into the folder of its run."""
        from chartly_cli.attempt_loading import write_attempt_metrics  # noqa: PLC0415 - see there

        path = self.folders.folder(intent.run_id).metrics
        write_attempt_metrics(path, intent, plan, result, seconds)

    def _limits(self, frozen: FrozenWorkflow) -> AttemptLimits:
        """The limits of one attempt; another attempt has as much again."""
        deadlines = frozen.resolution.workflow.spec.deadlines
        return AttemptLimits(deadlines.run if deadlines else None, self.options.max_memory)


@contextmanager
def _spool(run: RunFolder, attempt: int) -> Iterator[Path]:
    """A fresh spool; whatever an earlier attempt left is not in the ledger, and goes.

    Each attempt has its own: a connector whose loader was killed may still write into the old one.
    """
    for left in run.path.glob("spool-*"):
        shutil.rmtree(left, ignore_errors=True)
    spool = run.spool(attempt)
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
        watch = threading.Thread(target=_record_end, args=(process, spool))
        watch.start()
        try:
            yield process
        finally:
            _stop(process)
            watch.join()


def _record_end(process: subprocess.Popen[bytes], spool: Path) -> None:
    """Writes the end of a connector that died before it took its lock, and left no sign of it."""
    code = process.wait()
    # Where the loader ended first, the spool is gone, and nothing waits.
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
