"""The one link between a rig and its host, and the names that Pods can resolve."""

import ipaddress
from pathlib import Path

from cluster.commands import call
from cluster.layout import Layout


def connect(layout: Layout, process: int) -> None:
    """Joins the namespace of ``process`` to this host; it gets no route to anywhere else."""
    end = f"ip link add {layout.link} type veth peer name eth0 netns {process}"
    for line in (
        end,
        f"ip address add {layout.host_ip}/30 dev {layout.link}",
        f"ip link set {layout.link} up",
        f"ip route add {layout.network} via {layout.node_ip}",
    ):
        call(*line.split())
    for line in (
        "ip link set lo up",
        f"ip address add {layout.node_ip}/30 dev eth0",
        "ip link set eth0 up",
        f"ip route add {layout.services} dev eth0",
        "sysctl -qw net.ipv4.ip_forward=1",
    ):
        # nsenter, not "ip netns exec": that one remounts /sys and so hides the cgroups.
        call("nsenter", "--net", "--target", process, *line.split())


def disconnect(layout: Layout) -> None:
    """Removes the host's end, which the kernel does too but some time after the namespace died."""
    link = Path("/sys/class/net", layout.link)
    if not link.exists():
        return
    try:
        call("ip", "link", "delete", layout.link)
    except RuntimeError:
        if link.exists():
            raise


def taken(layout: Layout, resolvers: Path = Path("/etc/resolv.conf")) -> bool:
    """Whether this host uses some of the rig's addresses: has a route there, or asks for names."""
    network = ipaddress.IPv4Network(layout.network)
    lines = resolvers.read_text(encoding="utf-8").splitlines() if resolvers.exists() else []
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
    if any(ipaddress.ip_address(one.partition("%")[0]) in network for one in servers):
        return True
    return bool(call("ip", "-o", "route", "show", "root", layout.network).strip())


def set_name(layout: Layout, host: str, address: str | None) -> None:
    """Lets Pods resolve ``host`` within about a second; without an address they no longer do."""
    known = layout.names.read_text(encoding="ascii").splitlines()
    lines = [line for line in known if line.split()[1] != host]
    if address:
        lines.append(f"{address} {host}")
    layout.names.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
