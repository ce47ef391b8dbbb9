"""``python -m chartly_connector``: the connector's process; its exit code is the reason's."""

import argparse
import contextlib
import logging
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from types import FrameType

from chartly.api.reference import parse_project
from chartly.egress.addresses import address_policy
from chartly.errors import REASONS, ChartlyError, Reason, RunError
from chartly.names import TRUST_KEY
from chartly.plan.runplan import RunPlan
from chartly.plan.snapshot import thaw
from chartly_connector import connector_report
from chartly_connector.egress_client import EgressClient, PullClock
from chartly_connector.pinned_transport import Endpoint, PinnedBackend, PinnedTransport, tls_context
from chartly_connector.pull import Spooling, pull
from chartly_connector.secrets import Credential, read_credential, redacted
from chartly_spool.segment import Counters, End
from chartly_spool.spool_argument import spool_of
from chartly_spool.spool_writer import DEFAULT_LIMIT, SpoolWriter

_LOG = logging.getLogger("chartly_connector")


@dataclass(frozen=True)
class Pin:
    """``HOST:PORT=ADDR:PORT``, as curl's --connect-to: the address to connect to for a name."""

    name: Endpoint
    address: Endpoint


def parse_pin(argument: str) -> Pin:
    """Parses the argument of ``--connect-to``.

    Raises:
        ValueError: it has another form; argparse reports it.
    """
    name, equals, address = argument.partition("=")
    if not equals:
        raise ValueError(argument)
    return Pin(_endpoint(name), _endpoint(address))


def cidr(argument: str) -> str:
    """Checks a network in CIDR notation, and returns it.

    Raises:
        ValueError: it is none; argparse reports it.
    """
    return str(ip_network(argument))


def _endpoint(argument: str) -> Endpoint:
    host, _, port = argument.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(argument)
    return host.strip("[]"), int(port)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chartly-connector", description=__doc__)
    parser.add_argument("--snapshot", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--spool-limit", type=int, default=DEFAULT_LIMIT)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--connect-to", type=parse_pin, action="append", default=[])
    parser.add_argument("--cacert", type=Path)
    parser.add_argument("--trust", type=Path, metavar="DIR")
    parser.add_argument("--grant-cidr", type=cidr, action="append", default=[])
    parser.add_argument("--peer-grace", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--termination-log", type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one pull; returns the exit code."""
    try:
        arguments = _arguments(argv)
    except SystemExit as error:
        if error.code and (spool := spool_of(sys.argv[1:] if argv is None else argv)):
            _ended_early(Reason.USAGE, "the connector does not know its arguments", spool)
        raise
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    credential: Credential | None = None
    try:
        project = parse_project(arguments.project)
        plan = thaw(arguments.snapshot.read_bytes(), arguments.digest, project)
        credential = read_credential(plan.connector.auth, arguments.secrets)
        connector_report.log_to(sys.stderr, credential)
        end = _pull(plan, credential, arguments)
    except ChartlyError as error:
        end = _ended_early(error.reason, redacted(error.message, credential), arguments.spool)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}"
        end = _ended_early(Reason.CONFIG_INVALID, message, arguments.spool)
    except Exception as error:  # noqa: BLE001 - the loader reads the end, whatever failed
        _LOG.exception("this is a bug in Chartly")
        message = f"the connector met {type(error).__name__}; its log has the details"
        end = _ended_early(Reason.INTERNAL_ERROR, message, arguments.spool)
    if end.reason is not Reason.SUCCEEDED:
        connector_report.print_line(redacted(f"{end.reason}: {end.message}", credential))
    if arguments.termination_log is not None:
        _write_termination(arguments.termination_log, connector_report.termination(end, credential))
    return REASONS[end.reason].exit_code


def _write_termination(path: Path, message: str) -> None:
    """Writes the termination message; a failure is logged, since the spool holds the end."""
    try:
        path.write_text(message, encoding="utf-8")
    except OSError as error:
        _LOG.warning("%s: %s", path, error.strerror)


def _pull(plan: RunPlan, credential: Credential | None, arguments: argparse.Namespace) -> End:
    spec = plan.connector
    policy = address_policy(
        spec.egress_policy.block_cidrs, spec.egress_policy.allow_cidrs, arguments.grant_cidr
    )
    pins = {pin.name: pin.address for pin in arguments.connect_to}
    trusted = tls_context(arguments.cacert, _authority(arguments.trust))
    transport = PinnedTransport(PinnedBackend(policy, pins), trusted)
    clock = PullClock(
        monotonic=time.monotonic,
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
        chance=random.random,
    )
    try:
        client = EgressClient(
            spec, transport, credential, clock, f"connector {plan.connector_name!r}"
        )
        spool = Spooling(arguments.spool, arguments.spool_limit, arguments.peer_grace)
        return pull(plan, client, spool, clock)
    finally:
        transport.close()


def _authority(folder: Path | None) -> Path | None:
    """The file of certificates that a project trusts; None without one."""
    if folder is None or not (folder / TRUST_KEY).exists():
        return None
    return folder / TRUST_KEY


def _ended_early(reason: Reason, message: str, spool: Path) -> End:
    """The end of a connector that pulled nothing, written into the spool for the loader."""
    end = End(0, reason, message, Counters())
    # On a full disk, the loader detects the end by the released lock.
    with contextlib.suppress(ChartlyError, OSError), SpoolWriter(spool) as writer:
        writer.end(end)
    return end


def _terminate(number: int, _frame: FrameType | None) -> None:
    # A second signal would interrupt the report on the first one.
    signal.signal(number, signal.SIG_IGN)
    raise RunError(Reason.TERMINATED, "the connector was told to stop")


if __name__ == "__main__":
    sys.exit(main())
