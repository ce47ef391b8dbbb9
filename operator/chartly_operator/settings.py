"""The operator's options: flags, each with an environment variable as its default."""

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from chartly.names import GLOBAL_NAMESPACE
from chartly.reconcile.world import Settings
from chartly_kube.lease import Terms

_PREFIX = "CHARTLY_"
_NAMESPACE = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")  # RFC 1123
_LEVELS = ("debug", "info", "warning", "error")
_POLICIES = ("Always", "IfNotPresent", "Never")


@dataclass(frozen=True)
class OperatorOptions:
    """How this process runs.

    Attributes:
        decisions: the settings that decisions read.
        namespaces: the only ones that are watched; empty for all.
        lease: namespace and name; None: this process acts without an election.
        identity: the holder in the Lease; unique among processes.
        listen: host and port of the health server.
        resync: seconds between lists of everything.
        watch_list: whether watches begin with a stream instead of a list (Kubernetes 1.34).
    """

    decisions: Settings
    identity: str
    lease: tuple[str, str] | None = ("chartly-system", "chartly-operator")
    namespaces: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    workers: int = 16
    listen: tuple[str, int] = ("0.0.0.0", 8080)  # noqa: S104 - the kubelet comes from outside
    resync: float = 600.0
    watch_list: bool = False
    log_level: str = "info"


def read_options(
    arguments: Sequence[str] | None, environment: Mapping[str, str], identity: str
) -> OperatorOptions:
    """The options; a value that is not allowed ends the process with one sentence of argparse."""
    parsed = _parser(environment).parse_args(arguments)
    only = parsed.watch_namespaces
    return OperatorOptions(
        decisions=_settings(parsed),
        identity=identity,
        lease=None if parsed.no_lease else (parsed.lease_namespace, parsed.lease_name),
        # The global namespace is always watched, for shared profiles.
        namespaces=tuple(dict.fromkeys((*only, parsed.global_namespace))) if only else (),
        workers=parsed.workers,
        listen=parsed.listen,
        resync=parsed.resync_seconds,
        watch_list=parsed.watch_list,
        log_level=parsed.log_level,
    )


def _settings(parsed: argparse.Namespace) -> Settings:
    return Settings(
        connector_image=parsed.connector_image,
        loader_image=parsed.loader_image,
        global_namespace=parsed.global_namespace,
        image_pull_policy=parsed.image_pull_policy,
        grantable_cidrs=parsed.grantable_cidrs,
        connector_resources=parsed.connector_resources,
        loader_resources=parsed.loader_resources,
        spool_bytes=parsed.spool_bytes,
        pending_deadline=parsed.pending_deadline,
        run_deadline=parsed.run_deadline,
        job_ttl=parsed.job_ttl,
        free_attempts=parsed.free_attempts,
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chartly-operator",
        description="Reconciles Profiles, Workflows and WorkflowRuns.",
        epilog="Every option can be given as an environment variable, such as "
        f"{_PREFIX}CONNECTOR_IMAGE. KUBECONFIG says where the API server is, if it is not the "
        "one of the cluster that this Pod runs in.",
    )
    add = _Adder(parser, environment)
    add("--connector-image", str, "image of the connector")
    add("--loader-image", str, "image of the loader")
    add("--image-pull-policy", str, "of both", "IfNotPresent", choices=_POLICIES)
    add("--connector-resources", _resources, "JSON {requests, limits}", "{}")
    add("--loader-resources", _resources, "JSON; a workflow's own come first", "{}")
    add("--global-namespace", _namespace, "where shared profiles are", GLOBAL_NAMESPACE)
    add("--grantable-cidrs", _cidrs, "private ranges that profiles may ask for, by commas", "")
    add("--spool-bytes", _positive, "room for pages between connector and loader", "268435456")
    add("--pending-deadline", _positive, "seconds until an attempt must have started", "600")
    add("--run-deadline", _positive, "seconds that a run may take", "86400")
    add("--job-ttl", _positive, "seconds that a Job is kept after its run's end", "3600")
    add("--free-attempts", int, "replacements of attempts that infrastructure ended", "5")
    add("--watch-namespaces", _namespaces, "the only namespaces to look at, by commas", "")
    add("--lease-namespace", _namespace, "where the Lease is", "chartly-system")
    add("--lease-name", str, "the Lease that replicas elect by", "chartly-operator")
    add("--workers", _positive, "objects that are looked at side by side", "16")
    add("--listen", _address, "host:port of /livez, /readyz and /metrics", "0.0.0.0:8080")
    add("--resync-seconds", _positive, "seconds between lists of everything", "600")
    add("--log-level", str, "the least that is logged", "info", choices=_LEVELS)
    add.flag("--no-lease", "act without an election; other replicas then do the same work twice")
    add.flag("--watch-list", "begin watches with a stream; Kubernetes 1.34 or later")
    return parser


@dataclass(frozen=True)
class _Adder:
    parser: argparse.ArgumentParser
    environment: Mapping[str, str]

    def __call__(
        self,
        name: str,
        kind: Callable[[str], object],
        meaning: str,
        default: str | None = None,
        **more: Any,  # noqa: ANN401
    ) -> None:
        value = self.environment.get(_variable(name), default)
        shown = "" if default in {None, ""} else f" [{default}]"
        text = f"{meaning}{shown}".replace("%", "%%")
        required = value is None
        self.parser.add_argument(
            name, type=kind, default=value, required=required, help=text, **more
        )

    def flag(self, name: str, meaning: str) -> None:
        value = self.environment.get(_variable(name), "") == "true"
        self.parser.add_argument(name, action="store_true", default=value, help=meaning)


def _variable(name: str) -> str:
    return _PREFIX + name.removeprefix("--").replace("-", "_").upper()


def _positive(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; it takes a number above 0")
    return number


def _namespace(text: str) -> str:
    if _NAMESPACE.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a namespace")
    return text


def _namespaces(text: str) -> tuple[str, ...]:
    return tuple(map(_namespace, _listed(text)))


def _cidrs(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(cidr)) for cidr in _listed(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; it takes ranges such as 10.0.0.0/8") from None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; it takes host:port")
    return host.strip("[]"), int(port)


def _resources(text: str) -> dict[str, dict[str, str]]:
    try:
        parsed = json.loads(text)
        return {
            str(name): {str(resource): str(amount) for resource, amount in amounts.items()}
            for name, amounts in parsed.items()
        }
    except (ValueError, AttributeError, TypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; it takes JSON such as "
            '{"requests": {"cpu": "100m", "memory": "128Mi"}}'
        ) from None
