"""``chartly run``."""

import os
import re
from pathlib import Path

import typer

from chartly.api.place import Place
from chartly.api.workflow_run import WINDOW_MESSAGE, parse_instant
from chartly.errors import REASONS, Reason
from chartly.warning import RunWarning
from chartly_cli.interruption import resident
from chartly_cli.local_launcher import RunOptions
from chartly_cli.local_run import LocalReport, run_workflow
from chartly_cli.output import pairs
from chartly_cli.pem import check_authority
from chartly_cli.printable import one_line
from chartly_cli.progress import displayed_progress
from chartly_cli.session import Session
from chartly_service.quantity import counted

_BYTES = re.compile(r"([1-9][0-9]{0,15})(|Ki|Mi|Gi|Ti)")
_UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_WITHOUT_REQUESTS = frozenset(
    {
        Reason.SUCCEEDED,
        Reason.CONFIG_INVALID,
        Reason.SECRET_MISSING,
        Reason.SECRET_ORIGIN_REFUSED,
        Reason.SNAPSHOT_TAMPERED,
        Reason.EGRESS_DENIED,
    }
)
"""The ends of a connector that may have sent none, and counted that."""
_PIN = re.compile(r"[^=]+:[0-9]{1,5}=[^=]+:[0-9]{1,5}")


def run(  # noqa: PLR0913, PLR0917 - a command has the options that it has
    session: Session,
    name: str,
    secrets: Path | None,
    connect_to: tuple[str, ...],
    cacert: Path | None,
    window: tuple[str, str] | None,
    max_memory: str | None,
    *,
    fail_on_warning: bool,
) -> None:
    """Runs a workflow, prints its summary, exits with its reason's code."""
    workspace = session.workspace()
    workflow = workspace.workflow(name)
    _check_window(window)
    _check_pins(connect_to)
    if cacert is not None:
        check_authority(cacert, "--cacert")
    memory = None if max_memory is None else _memory(max_memory)
    options = RunOptions(
        secrets=secrets or workspace.state / "secrets",
        store=session.binding(workspace),
        connect_to=connect_to,
        cacert=cacert,
        window=window,
        max_memory=memory,
    )
    with displayed_progress(session.printer, str(workflow)) as on_progress:
        report = run_workflow(workspace, workflow, options, on_progress)
    session.printer.result(report.document(), summary(report))
    for warning in report.result.warnings:
        typer.echo(one_line(f"warning: {rendered_warning(warning)}"), err=True)
    reason, message = report.result.reason, report.result.message
    if reason is Reason.SUCCEEDED and fail_on_warning and report.result.warnings:
        reason = Reason.WARNINGS_REFUSED
        warnings = counted(len(report.result.warnings), "warning")
        message = f"{warnings}, and --fail-on-warning was given"
    if reason is not Reason.SUCCEEDED:
        session.printer.note(one_line(f"error: {reason}: {message}"))
        raise typer.Exit(REASONS[reason].exit_code)


def rendered_warning(warning: RunWarning) -> str:
    times = f" ({warning.count:,} times)" if warning.count > 1 else ""
    return f"{warning.reason}: {warning.object}: {warning.message}{times}"


def _check_window(window: tuple[str, str] | None) -> None:
    if window is None:
        return
    place = Place(object=f"--window {' '.join(window)}")
    try:
        start, end = map(parse_instant, window)
    except ValueError as error:
        raise place.refusal(
            f"{error}; it takes two RFC 3339 instants, such as 2026-02-01T00:00:00Z "
            "2026-02-02T00:00:00Z"
        ) from None
    if start >= end:
        raise place.refusal(WINDOW_MESSAGE)


def _memory(text: str) -> int:
    place, amount = Place(object="--max-memory"), _BYTES.fullmatch(text)
    if amount is None:
        raise place.refusal("must be bytes, such as 1500Mi or 2Gi", value=text)
    if not resident(os.getpid()):
        raise place.refusal(
            "cannot be enforced: this system does not report the memory of a process"
        )
    return int(amount[1]) * _UNITS[amount[2]]


def _check_pins(pins: tuple[str, ...]) -> None:
    for pin in pins:
        if not _PIN.fullmatch(pin):
            why = "must be HOST:PORT=ADDR:PORT"
            raise Place(object="--connect-to").refusal(why, value=pin)


def _rendered_requests(report: LocalReport) -> str:
    """The connector's requests; its counts are lost with an attempt that ended before it did."""
    counters, reason = report.result.counters, report.result.reason
    if not counters.requests and reason not in _WITHOUT_REQUESTS:
        return "requests not known"
    retries = f"{counters.retries:,} {'retry' if counters.retries == 1 else 'retries'}"
    return f"{counted(counters.requests, 'request')}, {retries}"


def summary(report: LocalReport) -> str:
    """The result of a run as lines for a person."""
    result, counts = report.result, report.result.counts
    continued = f", continued as attempt {report.intent.attempt}" if report.continued else ""
    lines = {
        "run": f"{report.intent.run_id} of {report.workflow}{continued}",
        "outcome": f"{result.reason} in {report.seconds:.2f} s",
        "records": (
            f"read {counts['read']:,} = loaded {counts['loaded']:,} + rejected "
            f"{counts['rejected']:,} + duplicate {counts['duplicate']:,} + filtered "
            f"{counts['filtered']:,} + late {counts['late']:,}"
        ),
        "corrected": f"{counts['corrected']:,}",
        "pages": (
            f"{counts['pages']:,} ({_rendered_requests(report)}, "
            f"{counted(counts['bytes'], 'byte')})"
        ),
    }
    for output in result.outputs:
        windows = counted(output.windows, "window")
        sealed = f", WindowSealed: {output.sealed} kept as they are" if output.sealed else ""
        lines[f"output {output.dataset}"] = (
            f"{counted(output.rows, 'row')}, {windows} computed{sealed}, "
            f"fingerprint {output.fingerprint}"
        )
    if result.warnings:
        reasons = dict.fromkeys(warning.reason.value for warning in result.warnings)
        lines["warnings"] = ", ".join(reasons)
    lines["config digest"] = report.intent.config_digest
    lines["audit"] = f"{'complete' if result.audited else 'INCOMPLETE'}, head {result.audit_head}"
    lines["evidence"] = report.folder
    return pairs(lines)
