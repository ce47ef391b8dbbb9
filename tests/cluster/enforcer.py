"""The part of a rig that enforces NetworkPolicies: renders them anew and loads what changed."""

import sys
import time

from cluster.client import Client
from cluster.commands import call
from cluster.layout import Layout
from cluster.netpol import World, ruleset

INTERVAL = 0.3
"""Seconds between two looks at the API."""


def main(index: int) -> None:
    """Keeps the table ``rig-policy`` of this network namespace current until it is killed."""
    layout = Layout(index)
    client, last = Client(layout), ""
    while True:
        text = ruleset(_world(client, layout), layout.pods)
        if text != last:
            call("nft", "-f", "-", text=text)
            last = text
        time.sleep(INTERVAL)


def _world(client: Client, layout: Layout) -> World:
    def items(path: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = client.call("GET", path)["items"]
        return found

    pods = [
        pod
        for pod in client.call("GET", "/api/v1/pods")["items"]
        if pod["status"].get("podIP", layout.node_ip) != layout.node_ip
        and pod["status"]["phase"] not in ("Succeeded", "Failed")
    ]
    return World(
        pods=tuple(sorted(pods, key=lambda pod: str(pod["metadata"]["uid"]))),
        namespaces=tuple(items("/api/v1/namespaces")),
        policies=tuple(items("/apis/networking.k8s.io/v1/networkpolicies")),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
