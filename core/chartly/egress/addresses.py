"""The addresses that a request may reach, by tables of ours; embedded addresses are checked too.

``ipaddress.is_global`` is not used: on Python 3.11 it calls NAT64, 6to4, site-local and multicast
addresses global. Sources: the IANA special-purpose registries (RFC 6890 and its updates).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fe80::/10",
        "fec0::/10",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "ff00::/8",
    )
)
"""Loopback, link-local, metadata, multicast, documentation, reserved: no profile allows these."""

_PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""Private ranges: reachable where a profile allows them and the project has a grant."""

_GLOBAL_V6 = ip_network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True)
class AddressPolicy:
    """Networks that a profile blocks and allows, and private ones granted to its project."""

    blocked: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    granted: tuple[Network, ...] = ()


def address_policy(
    blocked: Iterable[str], allowed: Iterable[str], granted: Iterable[str]
) -> AddressPolicy:
    """The policy of CIDR texts that are validated already."""
    return AddressPolicy(*(tuple(map(ip_network, texts)) for texts in (blocked, allowed, granted)))


def objection(address: str, policy: AddressPolicy) -> str | None:
    """Why a request may not reach ``address``; None if it may (INV-7)."""
    try:
        outer = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is not an address"
    for inner in unwrapped(outer):
        why = _objection(inner, policy)
        if why is not None:
            direct = inner == outer
            return f"{address} {why}" if direct else f"{address} leads to {inner}, which {why}"
    return None


def unwrapped(address: Address) -> list[Address]:
    """``address`` and every address that is embedded in it."""
    addresses = [address]
    if isinstance(address, IPv6Address):
        for inner in _embedded(address):
            addresses += unwrapped(inner)
    return addresses


def _embedded(address: IPv6Address) -> list[Address]:
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    candidates = (address.ipv4_mapped, address.sixtofour)
    inner: list[Address] = [candidate for candidate in candidates if candidate]
    if address.teredo is not None:
        inner += address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        inner.append(low)
    return inner


def _objection(address: Address, policy: AddressPolicy) -> str | None:
    if _in(address, policy.blocked):
        return "is in egressPolicy.blockCidrs"
    if _in(address, _NEVER):
        return "is loopback, link-local, metadata, multicast or reserved"
    if _in(address, _PRIVATE):
        return _private_objection(address, policy)
    if (
        isinstance(address, IPv6Address)
        and not _has_embedded(address)
        and address not in _GLOBAL_V6
    ):
        return "is not a global address"
    return None


def _private_objection(address: Address, policy: AddressPolicy) -> str | None:
    if not _in(address, policy.allowed):
        return "is private and not in egressPolicy.allowCidrs"
    if not _in(address, policy.granted):
        return "is private and not granted to this project"
    return None


def _has_embedded(address: IPv6Address) -> bool:
    return bool(_embedded(address))


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
