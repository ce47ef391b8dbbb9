"""``chartly demo``."""

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import typer

from chartly.errors import REASONS, Reason, RunError
from chartly_cli.commands.run import summary
from chartly_cli.demo import show
from chartly_cli.demo.api_server import api_server
from chartly_cli.demo.authority import Authority, make_authority
from chartly_cli.demo.flights import flights_database
from chartly_cli.demo.sales import sales_records
from chartly_cli.local_launcher import RunOptions
from chartly_cli.local_run import LocalReport, run_workflow
from chartly_cli.printable import printable
from chartly_cli.progress import displayed_progress
from chartly_cli.session import Session
from chartly_cli.store_binding import FolderBinding
from chartly_folder.object_files import read_workspace
from chartly_service.workspace import Workspace

_START_SECONDS = 30


@dataclass(frozen=True)
class Domain:
    """One domain of the demo.

    Attributes:
        bars: a query for names and counts, shown as a plot.
    """

    name: str
    host: str
    dataset: str
    bars: str


SALES = Domain(
    "sales",
    "api.example.invalid",
    "sales_events",
    "SELECT concat(toString(toDate(day)), ' ', currency) AS name, orders "
    "FROM {db}.sales_rollup_daily ORDER BY name LIMIT 12",
)
FLIGHTS = Domain(
    "flights",
    "flights.example.invalid",
    "flights",
    "SELECT carrier, sum(flights) AS total FROM {db}.flights_daily "
    "GROUP BY carrier ORDER BY total DESC, carrier LIMIT 16",
)


def demo(session: Session, folder: Path, rows: int) -> None:
    """Runs both domains twice.

    Exits with OutputContract when the second run changed anything, AuditBroken when a chain is not
    whole.
    """
    started = time.monotonic()
    authority = make_authority(folder / "tls")
    token = secrets.token_urlsafe(24)
    same = []
    with api_server(authority.server_context(), token, sales_records()) as port:
        workspace = _prepared(folder, SALES)
        _put_token(workspace, token)
        same.append(_show(session, workspace, SALES, _options(workspace, authority, SALES, port)))
    with _datasette(folder, authority, rows, session) as port:
        workspace = _prepared(folder, FLIGHTS)
        options = _options(workspace, authority, FLIGHTS, port)
        same.append(_show(session, workspace, FLIGHTS, options))
    _print(
        f"\n{'both domains ran twice: no row more, same fingerprints' if all(same) else 'FAILED'}"
        f" ({time.monotonic() - started:.0f} s)\n"
        f"look around: chartly -C {folder / 'flights'} query "
        f'"select * from flights_daily order by day, carrier limit 5"'
    )
    if not all(same):
        raise typer.Exit(REASONS[Reason.OUTPUT_CONTRACT].exit_code)


def _print(text: str) -> None:
    typer.echo(printable(text))


def _prepared(folder: Path, domain: Domain) -> Workspace:
    """The domain's files in a fresh folder; what earlier demos stored is dropped."""
    root = folder / domain.name
    shutil.rmtree(root, ignore_errors=True)
    with resources.as_file(resources.files("chartly_cli.demo") / "domains" / domain.name) as files:
        shutil.copytree(files, root)
    return read_workspace(root)


def _put_token(workspace: Workspace, token: str) -> None:
    path = workspace.state / "secrets" / "sales-http" / "token"
    path.parent.mkdir(parents=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(token + "\n", encoding="ascii")


def _options(workspace: Workspace, authority: Authority, domain: Domain, port: int) -> RunOptions:
    return RunOptions(
        secrets=workspace.state / "secrets",
        store=FolderBinding(workspace),
        connect_to=(f"{domain.host}:443=127.0.0.1:{port}",),
        cacert=authority.ca,
    )


def _show(session: Session, workspace: Workspace, domain: Domain, options: RunOptions) -> bool:
    """Runs a domain, prints its results, runs it again; returns whether both runs agree."""
    _print(f"\n=== {domain.name} ===")
    project = workspace.home(workspace.workflow(domain.name))
    first = _run(session, workspace, domain, options)
    rate = first.result.counts["read"] / max(0.001, first.seconds)
    _print(f"{summary(first)}\n({rate:,.0f} records/s from API to rollup)\n")
    with FolderBinding(workspace).opened(project) as stored:
        before = stored.store.engine.rows(_count(stored.store.database, domain))
        run = first.intent.run_id
        _print(f"rejects\n{show.rejects(stored, domain.dataset, run)}\n")
        plotted = domain.bars.replace("{db}", f"`{stored.store.database}`")
        _print(f"rollup\n{show.bars(stored.store.engine.rows(plotted))}\n")
    _print(f"{show.digests(first)}\n")
    second = _run(session, workspace, domain, options)
    with FolderBinding(workspace).opened(project) as stored:
        after = stored.store.engine.rows(_count(stored.store.database, domain))
        verdicts = stored.verify_chains()
    _print(f"audit: {show.chains(verdicts)}")
    if any(verdict.verdict.fault for verdict in verdicts):
        raise RunError(Reason.AUDIT_BROKEN, f"{domain.name}: {show.chains(verdicts)}")
    is_equal = _fingerprints(first) == _fingerprints(second)
    _print(
        f"second run in {second.seconds:.2f} s: {before[0][0]:,} rows before, {after[0][0]:,} "
        f"after, fingerprints {'equal' if is_equal else 'DIFFER'}"
    )
    return before == after and is_equal


def _run(
    session: Session, workspace: Workspace, domain: Domain, options: RunOptions
) -> LocalReport:
    workflow = workspace.workflow(domain.name)
    with displayed_progress(session.printer, str(workflow)) as on_progress:
        report = run_workflow(workspace, workflow, options, on_progress)
    if report.result.reason is not Reason.SUCCEEDED:
        raise RunError(report.result.reason, report.result.message)
    return report


def _count(database: str, domain: Domain) -> str:
    return f"SELECT count() FROM `{database}`.`{domain.dataset}`"


def _fingerprints(report: LocalReport) -> list[str]:
    return [output.fingerprint for output in report.result.outputs]


@contextmanager
def _datasette(folder: Path, authority: Authority, rows: int, session: Session) -> Iterator[int]:
    """A Datasette over the flights, in a process of its own; its port."""
    session.printer.note("preparing the flights (once)")
    database = flights_database((folder / "flights.db").absolute(), rows)
    command = [sys.executable, "-m", "chartly_cli.demo.datasette_server"]
    command += ["--database", str(database), "--certificate", str(authority.certificate)]
    command += ["--key", str(authority.key)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        line = server.stdout.readline() if server.stdout else b""
        if not line:
            raise RunError(Reason.PREREQUISITE_MISSING, "Datasette did not start")
        yield int(line)
    finally:
        server.terminate()
        server.communicate(timeout=_START_SECONDS)
