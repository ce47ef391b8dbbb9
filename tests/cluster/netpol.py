"""NetworkPolicies as the text of one nftables table.

The node routes every packet of a Pod, so the forward chain sees traffic between Pods and the input
chain sees traffic to the API server. A Pod that the API does not list yet may only ask for names.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class World:
    """What the API server lists: Pods with an address, namespaces and policies."""

    pods: tuple[Json, ...]
    namespaces: tuple[Json, ...]
    policies: tuple[Json, ...]


@dataclass(frozen=True)
class Peer:
    """An address or a range, and the Pod that has it when it is one."""

    address: str
    pod: Json | None = None


def selects(selector: Json, labels: Json) -> bool:
    """Whether a label selector matches."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_meets(rule, labels) for rule in selector.get("matchExpressions", []))


def ruleset(world: World, pods_range: str) -> str:
    """The table that lets pass what the policies of ``world`` allow, and nothing else."""
    chains: list[str] = []
    jumps: dict[str, list[str]] = {"Ingress": [], "Egress": []}
    for number, pod in enumerate(world.pods):
        for direction, entries in jumps.items():
            if lines := _isolation(world, pod, direction):
                label = f"{direction.lower()}{number}"
                chains += [f"chain {label} {{", *lines, "}"]
                entries.append(f"{_address(pod)} : jump {label}")
    known = ", ".join(_address(pod) for pod in world.pods)

    def unknown(side: str) -> str:
        return f"ip {side} {pods_range}" + (f" ip {side} != {{ {known} }}" if known else "")

    leaving = [
        "ct state established,related accept",
        f"meta l4proto {{ tcp, udp }} th dport 53 {unknown('saddr')} accept",
        f"{unknown('saddr')} drop",
        *_dispatch("saddr", jumps["Egress"]),
    ]
    arriving = [f"{unknown('daddr')} drop", *_dispatch("daddr", jumps["Ingress"])]
    return "\n".join(
        [
            *("table ip rig-policy", "delete table ip rig-policy", "table ip rig-policy {"),
            *chains,
            *("chain input {", "type filter hook input priority 0", *leaving, "}"),
            *("chain forward {", "type filter hook forward priority 0", *leaving, *arriving, "}"),
            *("}", ""),
        ]
    )


def _meets(rule: Json, labels: Json) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values", [])
    answers = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers[rule["operator"]]


def _dispatch(side: str, entries: list[str]) -> list[str]:
    return [f"ip {side} vmap {{ {', '.join(entries)} }}"] if entries else []


def _isolation(world: World, subject: Json, direction: str) -> list[str]:
    """The lines that let the allowed traffic of one Pod pass; none when it is not isolated."""
    lines: dict[str, None] = {}
    namespace, isolated = subject["metadata"]["namespace"], False
    for policy in world.policies:
        spec = policy["spec"]
        if policy["metadata"]["namespace"] != namespace or direction not in spec["policyTypes"]:
            continue
        if selects(spec.get("podSelector", {}), _labels(subject)):
            isolated = True
            for rule in spec.get(direction.lower()) or []:
                lines |= dict.fromkeys(_allowed(world, subject, direction, rule))
    return [*lines, "drop"] if isolated else []


def _allowed(world: World, subject: Json, direction: str, rule: Json) -> Iterable[str]:
    inwards = direction == "Ingress"
    side, key = ("saddr", "from") if inwards else ("daddr", "to")
    peers = [Peer(_EVERYWHERE)]
    if rule.get(key):
        namespace = subject["metadata"]["namespace"]
        peers = [found for one in rule[key] for found in _peers(world, one, namespace)]
    for peer in peers:
        target = subject if inwards else peer.pod
        ports = [_port(port, target) for port in rule.get("ports") or []] or [""]
        for port in ports:
            if port is not None:
                yield f"ip {side} {peer.address} {port} return"


def _peers(world: World, peer: Json, namespace: str) -> list[Peer]:
    if block := peer.get("ipBlock"):
        return [Peer(text) for text in _ranges(block)]
    wanted = {namespace}
    if "namespaceSelector" in peer:
        selector = peer["namespaceSelector"]
        listed = [one for one in world.namespaces if selects(selector, _labels(one))]
        wanted = {one["metadata"]["name"] for one in listed}
    return [
        Peer(_address(pod), pod)
        for pod in world.pods
        if pod["metadata"]["namespace"] in wanted
        and selects(peer.get("podSelector", {}), _labels(pod))
    ]


def _ranges(block: Json) -> list[str]:
    """The IPv4 ranges of a block without its exceptions; the rig has no IPv6."""
    if ":" in block["cidr"]:
        return []
    ranges = [ipaddress.IPv4Network(block["cidr"])]
    for text in block.get("except", []):
        out = ipaddress.IPv4Network(text)
        ranges = [part for one in ranges for part in _without(one, out)]
    return [str(one) for one in ranges]


def _without(
    one: ipaddress.IPv4Network, out: ipaddress.IPv4Network
) -> Iterable[ipaddress.IPv4Network]:
    if out.subnet_of(one):
        return one.address_exclude(out)
    return [] if one.subnet_of(out) else [one]


def _port(port: Json, pod: Json | None) -> str | None:
    """The match of one port of a rule, or None when the Pod has no port of that name."""
    protocol, number = port.get("protocol", "TCP"), port.get("port")
    if number is None:
        return f"meta l4proto {protocol.lower()}"
    if isinstance(number, str):
        number = _named_ports(pod or {}).get((protocol, number))
    if number is None:
        return None
    last = f"-{port['endPort']}" if port.get("endPort", number) != number else ""
    return f"{protocol.lower()} dport {number}{last}"


def _named_ports(pod: Json) -> dict[tuple[str, str], int]:
    containers = pod.get("spec", {}).get("containers", [])
    ports = [port for one in containers for port in one.get("ports", []) if "name" in port]
    return {(port.get("protocol", "TCP"), port["name"]): port["containerPort"] for port in ports}


def _labels(item: Json) -> Json:
    labels: Json = item["metadata"].get("labels") or {}
    return labels


def _address(pod: Json) -> str:
    return str(pod["status"]["podIP"])
