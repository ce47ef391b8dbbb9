"""NetworkPolicies of a project's runs: DNS, the store, public addresses, granted ranges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from chartly.api.place import Place
from chartly.names import MANAGED_BY, OURS

Json: TypeAlias = dict[str, Any]
Network: TypeAlias = IPv4Network | IPv6Network

PUBLIC = (IPv4Network("0.0.0.0/0"), IPv6Network("2000::/3"))
CLOSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""Ranges within ``PUBLIC`` that are not public; the connector checks them as well (INV-7)."""
METADATA = tuple(map(ip_network, ("100.100.100.200/32", "fd00:ec2::254/128", "fd20:ce::254/128")))
"""Clouds' metadata services at private addresses: excluded from every granted range."""
_PORTS = {"http": 8123, "https": 8443}
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_NODE_LOCAL_DNS = "169.254.20.10/32"
_SERVICE_LABELS = 3
_RUNS: Json = {"matchLabels": {MANAGED_BY: OURS}}


@dataclass(frozen=True)
class StoreAddress:
    """The address of the store.

    Attributes:
        url: as written into the Secret.
        cidrs: ranges of its host name's addresses; only needed for a name outside the cluster
            with a private address.
    """

    url: str
    host: str
    port: int
    cidrs: tuple[str, ...] = ()

    @property
    def is_public_only(self) -> bool:
        """Whether the host is a name outside the cluster without ranges."""
        return not _peers(self)


def parse_store(url: str, cidrs: Iterable[str] = ()) -> StoreAddress:
    """The address in a store's URL.

    Raises:
        SpecError: it is not ``http(s)://host[:port]``; the message does not quote it.
    """
    parts = urlsplit(url)
    port = _port(parts)
    extra = "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in _PORTS or not parts.hostname or port is None or extra:
        why = "must be http(s)://host[:port], without user, password, path or query"
        raise Place(object="store URL").refusal(why)
    return StoreAddress(url.rstrip("/"), parts.hostname, port, tuple(map(parse_cidr, cidrs)))


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def parse_cidr(text: str) -> str:
    """An address range in its one spelling.

    Raises:
        SpecError: it is none.
    """
    try:
        return str(ip_network(text))
    except ValueError:
        why = "must be a CIDR such as 10.20.0.0/16, without host bits"
        raise Place(object="range").refusal(why, value=text) from None


def run_policies(store: StoreAddress | None, granted: Iterable[str]) -> Mapping[str, Json]:
    """Specs of NetworkPolicies by name; all traffic that none of them allows is denied."""
    egress = [_dns(), _public()]
    if store is not None and not store.is_public_only:
        egress.append({"to": _peers(store), "ports": [_tcp(store.port)]})
    blocks = [_block(ip_network(parse_cidr(cidr)), METADATA) for cidr in granted]
    if blocks:
        egress.append({"to": blocks, "ports": [{"protocol": "TCP"}]})
    return {
        "chartly-runs-closed": {"podSelector": _RUNS, "policyTypes": ["Ingress", "Egress"]},
        "chartly-runs-egress": {
            "podSelector": _RUNS,
            "policyTypes": ["Egress"],
            "egress": egress,
        },
    }


def _dns() -> Json:
    cluster = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: "kube-system"}}}
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {"to": [cluster, {"ipBlock": {"cidr": _NODE_LOCAL_DNS}}], "ports": ports}


def _public() -> Json:
    return {
        "to": [_block(network, CLOSED) for network in PUBLIC],
        "ports": [{"protocol": "TCP"}],
    }


def _block(network: Network, closed: Iterable[Network]) -> Json:
    """A range except the closed ranges within it."""
    excluded = [str(part) for part in closed if _lies_in(part, network)]
    return {"ipBlock": {"cidr": str(network), **({"except": excluded} if excluded else {})}}


def _lies_in(part: Network, whole: Network) -> bool:
    starts_within = part.version == whole.version and part.network_address in whole
    return starts_within and part.prefixlen > whole.prefixlen


def _peers(store: StoreAddress) -> list[Json]:
    """The store as peers of a policy; policies have no names, so a name alone gives none."""
    if store.cidrs:
        return [{"ipBlock": {"cidr": cidr}} for cidr in store.cidrs]
    try:
        return [{"ipBlock": {"cidr": str(ip_network(str(ip_address(store.host))))}}]
    except ValueError:
        return _in_cluster(store.host.split("."))


def _in_cluster(labels: list[str]) -> list[Json]:
    if len(labels) == 1:
        return [{"podSelector": {}}]
    if len(labels) >= _SERVICE_LABELS and labels[2] == "svc":
        return [{"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: labels[1]}}}]
    return []


def _tcp(port: int) -> Json:
    return {"protocol": "TCP", "port": port}
