"""A connector's parts against real servers on loopback, with time held still."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chartly.api.connector import ConnectorSpec
from chartly.egress.addresses import AddressPolicy
from chartly_connector.client import Clock, EgressClient
from chartly_connector.secrets import Credential
from chartly_connector.transport import PinnedBackend, PinnedTransport, tls_context
from support.http_servers import authority, serving

HOME = "api.example.invalid"
FRIEND = "cdn.example.invalid"
STRANGER = "evil.example.invalid"
CANARY = "canary-3c9e1f77aa"


@dataclass
class HeldClock:
    """Time that passes only where somebody sleeps."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self):
        start = datetime(2026, 2, 2, 12, tzinfo=UTC)
        return Clock(
            monotonic=lambda: self.seconds,
            now=lambda: start + timedelta(seconds=self.seconds),
            sleep=self.sleep,
            chance=lambda: 0.0,
        )


def connector_spec(**parts):
    """A connector of ``HOME``, each part of its spec replaced or extended by ``parts``."""
    spec = {
        "transport": {"baseUrl": f"https://{HOME}", "path": "/items", "timeoutMs": 5000},
        "egressPolicy": {"dnsAllowlist": [HOME, FRIEND], "blockCidrs": []},
        "rateLimit": {"maxRequestsPerMinute": 10_000},
    }
    for name, part in parts.items():
        spec[name] = {**spec.get(name, {}), **part} if isinstance(part, dict) else part
    return ConnectorSpec.model_validate_json(json.dumps(spec))


@dataclass
class Rig:
    """Servers under names, and clients that find them there by pins."""

    trust: object
    stack: ExitStack
    held: HeldClock = field(default_factory=HeldClock)
    pins: dict = field(default_factory=dict)

    def serve(self, script, *hosts, tls=True, port=443):
        """A server that answers for ``hosts`` (default: home)."""
        hosts = hosts or (HOME,)
        server = self.stack.enter_context(serving(script, self.trust if tls else None, *hosts))
        self.pins |= {(host, port): ("127.0.0.1", server.port) for host in hosts}
        return server

    def transport(self):
        backend = PinnedBackend(AddressPolicy(), self.pins)
        transport = PinnedTransport(backend, tls_context(self.trust.cacert))
        self.stack.callback(transport.close)
        return transport

    def client(self, secret=CANARY, origins=None, **parts):
        """A client; it has a credential unless ``secret`` is None."""
        credential = Credential("api/token", secret, origins) if secret else None
        spec = connector_spec(**parts)
        return EgressClient(spec, self.transport(), credential, self.held.clock)


@pytest.fixture(scope="session")
def trust(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def rig(trust):
    with ExitStack() as stack:
        yield Rig(trust, stack)
