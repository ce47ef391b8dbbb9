"""A connector's parts against real servers on loopback, with time held still."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chartly.api.connector import ConnectorSpec
from chartly.egress.addresses import AddressPolicy
from chartly_connector.egress_client import EgressClient, PullClock
from chartly_connector.pinned_transport import Endpoint, PinnedBackend, PinnedTransport, tls_context
from chartly_connector.secrets import Credential
from support.http_servers import Authority, Script, Server, serving

HOME = "api.example.invalid"
FRIEND = "cdn.example.invalid"
STRANGER = "evil.example.invalid"
CANARY = "canary-3c9e1f77aa"


@dataclass
class HeldClock:
    """Time that passes only where somebody sleeps."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> PullClock:
        start = datetime(2026, 2, 2, 12, tzinfo=UTC)
        return PullClock(
            monotonic=lambda: self.seconds,
            now=lambda: start + timedelta(seconds=self.seconds),
            sleep=self.sleep,
            chance=lambda: 0.0,
        )


def connector_spec(**parts: object) -> ConnectorSpec:
    """A connector of ``HOME``, each part of its spec replaced or extended by ``parts``."""
    spec: dict[str, object] = {
        "transport": {"baseUrl": f"https://{HOME}", "path": "/items", "timeoutMs": 5000},
        "egressPolicy": {"dnsAllowlist": [HOME, FRIEND], "blockCidrs": []},
        "rateLimit": {"maxRequestsPerMinute": 10_000},
    }
    for name, part in parts.items():
        before = spec.get(name)
        both = isinstance(part, dict) and isinstance(before, dict)
        spec[name] = {**before, **part} if both else part  # type: ignore[dict-item] # both are
    return ConnectorSpec.model_validate_json(json.dumps(spec))


@dataclass
class Rig:
    """Servers under names, and clients that find them there by pins."""

    trust: Authority
    stack: ExitStack
    held: HeldClock = field(default_factory=HeldClock)
    pins: dict[Endpoint, Endpoint] = field(default_factory=dict)

    def serve(self, script: Script, *hosts: str, tls: bool = True, port: int = 443) -> Server:
        """A server that answers for ``hosts`` (default: home)."""
        names = hosts or (HOME,)
        server = self.stack.enter_context(serving(script, self.trust if tls else None, *names))
        self.pins |= {(host, port): ("127.0.0.1", server.port) for host in names}
        return server

    def transport(self) -> PinnedTransport:
        backend = PinnedBackend(AddressPolicy(), self.pins)
        transport = PinnedTransport(backend, tls_context(self.trust.cacert))
        self.stack.callback(transport.close)
        return transport

    def client(
        self, secret: str | None = CANARY, origins: frozenset[str] | None = None, **parts: object
    ) -> EgressClient:
        """A client; it has a credential unless ``secret`` is None."""
        credential = Credential("api/token", secret, origins) if secret else None
        return EgressClient(connector_spec(**parts), self.transport(), credential, self.held.clock)
