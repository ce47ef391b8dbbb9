"""Which addresses a request may reach: own tables, every disguise of an address unwrapped.

``ipaddress.is_global`` is not asked: on Python 3.11 it calls NAT64, 6to4, site-local and multicast
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
"""Loopback, link-local, metadata, multicast, documentation and reserved: no profile opens these."""

_PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""Private ranges: only those that a profile asks for and its surroundings grant."""

_GLOBAL_V6 = ip_network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


@dataclass(frozen=True)
class AddressPolicy:
    """What a profile blocks and asks for, and what its surroundings grant of the latter."""

    blocked: tuple[Network, ...] = ()
    allowed: tuple[Network, ...] = ()
    granted: tuple[Network, ...] = ()


def address_policy(
    blocked: Iterable[str], allowed: Iterable[str], granted: Iterable[str]
) -> AddressPolicy:
    """The policy of CIDR texts that were checked already."""
    return AddressPolicy(*(tuple(map(ip_network, texts)) for texts in (blocked, allowed, granted)))


def objection(address: str, policy: AddressPolicy) -> str | None:
    """Why ``address`` may not be reached, or None when it may (INV-7)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is not an address"
    for one in unwrapped(found):
        why = _objection(one, policy)
        if why is not None:
            return f"{address} {why}" if one == found else f"{address} leads to {one}, which {why}"
    return None


def unwrapped(address: Address) -> list[Address]:
    """``address`` and every address that it carries inside."""
    found = [address]
    if isinstance(address, IPv6Address):
        for inner in _inside(address):
            found += unwrapped(inner)
    return found


def _inside(address: IPv6Address) -> list[Address]:
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    inner: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one]
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
    if isinstance(address, IPv6Address) and not _carries(address) and address not in _GLOBAL_V6:
        return "is not a global address"
    return None


def _private_objection(address: Address, policy: AddressPolicy) -> str | None:
    if not _in(address, policy.allowed):
        return "is private and not in egressPolicy.allowCidrs"
    if not _in(address, policy.granted):
        return "is private and not granted to this project"
    return None


def _carries(address: IPv6Address) -> bool:
    return bool(_inside(address))


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
