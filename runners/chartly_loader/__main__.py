"""``python -m chartly_loader``: the loader's process; its exit code is the reason's."""

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chartly.api.reference import parse_project
from chartly.api.workflow_run import parse_instant
from chartly.errors import REASONS, ChartlyError, Reason, RunError
from chartly.plan.snapshot import thaw
from chartly_loader import loader_report
from chartly_loader.load import load
from chartly_loader.load_request import EVIDENCE, LoadRequest, LoadResult, Progress
from chartly_loader.recorded_result import dismiss_connector, earlier_success
from chartly_loader.stop_signals import StopSignals
from chartly_spool.segment import Counters
from chartly_spool.spool_argument import spool_of
from chartly_spool.spool_reader import SpoolReader
from chartly_store.access import read_access
from chartly_store.engine_port import Engine
from chartly_store.fence import Turn
from chartly_store.server import open_server

_LOG = logging.getLogger("chartly_loader")
_COUNTS = ("pages", "bytes", "read", "loaded", "rejected", "duplicate", "filtered", "late")


@dataclass(frozen=True)
class _Ended:
    """How the attempt ended, and whether an earlier attempt had recorded it."""

    result: LoadResult
    recorded: bool = False


def instant(argument: str) -> datetime:
    """Parses an instant with its zone, in the form of RFC 3339.

    Raises:
        ValueError: it is none; argparse reports it.
    """
    return parse_instant(argument).astimezone(UTC)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chartly-loader", description=__doc__)
    parser.add_argument("--snapshot", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--workflow", required=True)
    parser.add_argument("--workflow-version", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--run-digest", required=True)
    parser.add_argument("--frozen-at", type=instant, required=True)
    parser.add_argument("--window", type=instant, nargs=2, metavar=("START", "END"))
    parser.add_argument("--epoch", type=int, help="of the run's turn, where it took one")
    # The node may have to pull the connector's image first.
    parser.add_argument("--peer-grace", type=float, default=300.0, metavar="SECONDS")
    parser.add_argument("--termination-log", type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one attempt; returns the exit code."""
    try:
        arguments = _arguments(argv)
    except SystemExit as error:
        if error.code and (spool := spool_of(sys.argv[1:] if argv is None else argv)):
            _ended_early(Reason.USAGE, "the loader does not know its arguments", spool)
        raise
    redact: Callable[[str], str] = str
    loader_report.log_to(sys.stderr)
    with StopSignals() as stop:
        try:
            # Before the store's Secret is read and a connection opened (INV-3).
            request = _request(arguments)
            redact = read_access(arguments.store).redacted
            loader_report.log_to(sys.stderr, redact)
            ended = _attempt(request, arguments.store, stop)
        except ChartlyError as error:
            ended = _ended_early(error.reason, error.message, arguments.spool)
        except Exception as error:  # noqa: BLE001 - the end is reported, whatever failed
            _LOG.exception("this is a bug in Chartly")
            message = f"the loader met {type(error).__name__}; its log has the details"
            ended = _ended_early(Reason.INTERNAL_ERROR, message, arguments.spool)
        stop.ignore()
        return _report(ended, redact, arguments.termination_log)


def _request(arguments: argparse.Namespace) -> LoadRequest:
    """The attempt of the arguments, with frozen inputs that have the digest of the arguments."""
    project = parse_project(arguments.project)
    try:
        content = arguments.snapshot.read_bytes()
    except OSError as error:
        raise RunError(Reason.CONFIG_INVALID, f"{arguments.snapshot}: {error.strerror}") from None
    return LoadRequest(
        plan=thaw(content, arguments.digest, project),
        workflow=arguments.workflow,
        workflow_version=arguments.workflow_version,
        run_id=arguments.run,
        attempt=arguments.attempt,
        ingested_at=arguments.frozen_at,
        run_digest=arguments.run_digest,
        spool=arguments.spool,
        checkpoint=None,
        window=tuple(arguments.window) if arguments.window else None,
        grace=arguments.peer_grace,
        turn=Turn(arguments.epoch),
    )


def _attempt(request: LoadRequest, store: Path, stop: StopSignals) -> _Ended:
    with contextlib.closing(open_server(store)) as engine:
        recorded = earlier_success(request, engine)
        if recorded is not None:
            dismiss_connector(request)
            return _Ended(recorded, recorded=True)
        return _Ended(_loaded(request, engine, stop))


def _loaded(request: LoadRequest, engine: Engine, stop: StopSignals) -> LoadResult:
    def on_progress(done: Progress) -> None:
        if done.stage == EVIDENCE:
            stop.ignore()
        stop.check()
        _LOG.info(
            "%s: %d pages, %d records read, %d loaded, %d rejected",
            *(done.stage, done.pages, done.read, done.loaded, done.rejected),
        )

    return load(request, engine, on_progress, lambda: datetime.now(UTC))


def _ended_early(reason: Reason, message: str, spool: Path) -> _Ended:
    """The end of an attempt without a record; the connector detects it by the released lock."""
    with contextlib.suppress(ChartlyError, OSError), SpoolReader(spool):
        pass
    counts = dict.fromkeys((*_COUNTS, "corrected"), 0)
    result = LoadResult(reason, message, counts, Counters(), (), "", audited=False, seconds={})
    return _Ended(result)


def _report(ended: _Ended, redact: Callable[[str], str], log: Path | None) -> int:
    """Writes the end to the log and the termination message; returns the exit code."""
    result = ended.result
    level = logging.INFO if result.reason is Reason.SUCCEEDED else logging.ERROR
    _LOG.log(level, "%s: %s", result.reason, result.message or "everything is stored")
    if log is not None:
        try:
            log.write_text(
                loader_report.termination(result, redact, recorded=ended.recorded), encoding="utf-8"
            )
        except OSError as error:
            # The store has the record; the exit code keeps the reason of the record.
            _LOG.warning("%s: %s", log, error.strerror)
    return REASONS[result.reason].exit_code


if __name__ == "__main__":
    sys.exit(main())
