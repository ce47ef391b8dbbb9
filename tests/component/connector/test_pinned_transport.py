import socket
import ssl
import time

import httpcore
import pytest

from chartly.egress.addresses import AddressPolicy, address_policy
from chartly.errors import Reason, RunError
from chartly_connector import pinned_transport as module
from chartly_connector.pinned_transport import PinnedBackend, tls_context

NAME = "api.example.invalid"


class Stream(httpcore.NetworkStream):
    """A connection that says where it ended."""

    def __init__(self, peer):
        self._peer = peer
        self.closed = False

    def get_extra_info(self, info):
        return self._peer if info == "server_addr" else None

    def close(self):
        self.closed = True


class Network(httpcore.NetworkBackend):
    """Connects nowhere, and keeps where it was asked to."""

    def __init__(self, refuse=(), ends=None):
        self.asked = []
        self.streams = []
        self._refuse = refuse
        self._ends = ends

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.asked.append((host, port))
        if host in self._refuse:
            raise httpcore.ConnectError("[Errno 111] Connection refused")
        peer = (host, port) if self._ends is None else self._ends
        self.streams.append(Stream(peer))
        return self.streams[-1]


@pytest.fixture
def dns(monkeypatch):
    """Answers to look-ups, one list after the other; ``asked`` keeps the names."""

    class Dns:
        def __init__(self):
            self.asked = []
            self.answers = []

        def __call__(self, host, port, type):  # noqa: A002 - the library's name
            self.asked.append(host)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, type, 6, "", (one, port))
                for one in answer
            ]

    found = Dns()
    monkeypatch.setattr(module.socket, "getaddrinfo", found)
    return found


def backend(network, policy=None, pins=None):
    made = PinnedBackend(policy or AddressPolicy(), pins or {})
    made._backend = network
    return made


def denied(made):
    with pytest.raises(RunError) as caught:
        made.connect_tcp(NAME, 443)
    assert caught.value.reason is Reason.EGRESS_DENIED
    return caught.value.message


def test_inv_7_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(dns):
    """Rebinding: a second look-up would lead to loopback, so there is none."""
    dns.answers = [["8.8.8.8"], ["127.0.0.1"]]
    network = Network()
    backend(network).connect_tcp(NAME, 443)
    assert (dns.asked, network.asked) == ([NAME], [("8.8.8.8", 443)])
    says = "is loopback, link-local, metadata, multicast or reserved"
    assert denied(backend(network)) == f"host {NAME!r}: 127.0.0.1 {says}"
    assert network.asked == [("8.8.8.8", 443)]


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["10.0.0.1"],
        ["fe80::1%eth0"],
        ["8.8.8.8", "127.0.0.1"],
        ["2606:4700::1111", "8.8.8.8", "fd00:ec2::254"],
    ],
)
def test_inv_7_one_address_that_is_not_allowed_is_enough(dns, answer):
    dns.answers = [answer]
    network = Network()
    assert denied(backend(network)).startswith(f"host {NAME!r}: ")
    assert network.asked == []


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("localhost", "loopback by its name"),
        ("2130706433", "decimal"),
        ("0x7f000001", "hexadecimal"),
        ("017700000001", "octal"),
        ("127.1", "short"),
        ("0", "this host"),
        ("169.254.43518", "metadata in three parts"),
    ],
)
def test_inv_7_what_the_resolver_reads_as_an_address_is_judged_as_one(written, because):
    """The real getaddrinfo takes spellings that ipaddress refuses."""
    network = Network()
    with pytest.raises(RunError) as caught:
        backend(network).connect_tcp(written, 443)
    assert caught.value.reason is Reason.EGRESS_DENIED, because
    assert network.asked == []


def test_a_private_address_that_is_asked_for_and_granted_is_reached(dns):
    dns.answers = [["10.1.2.3"]]
    network = Network()
    policy = address_policy((), ("10.1.0.0/16",), ("10.0.0.0/8",))
    backend(network, policy).connect_tcp(NAME, 443)
    assert network.asked == [("10.1.2.3", 443)]


@pytest.mark.parametrize("ends", [("10.0.0.1", 443), ("8.8.4.4", 443), None])
def test_inv_7_a_connection_that_ended_elsewhere_is_closed(dns, ends):
    dns.answers = [["8.8.8.8"]]
    network = Network(ends=ends or ())
    if ends is None:
        network.connect_tcp = lambda *_: network.streams.append(Stream(None)) or network.streams[-1]
    assert denied(backend(network)) == "the connection to 8.8.8.8 ended elsewhere"
    assert [one.closed for one in network.streams] == [True]


def test_the_next_address_is_tried_when_one_refuses(dns):
    dns.answers = [["2606:4700::1111", "8.8.8.8", "8.8.8.8"]]
    network = Network(refuse=("2606:4700::1111",))
    backend(network).connect_tcp(NAME, 443)
    assert network.asked == [("2606:4700::1111", 443), ("8.8.8.8", 443)]


def test_all_addresses_refuse(dns):
    dns.answers = [["8.8.8.8", "1.1.1.1"]]
    network = Network(refuse=("8.8.8.8", "1.1.1.1"))
    with pytest.raises(httpcore.ConnectError, match="Connection refused"):
        backend(network).connect_tcp(NAME, 443)
    assert len(network.asked) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ([], f"host '{NAME}' has no address"),
        (socket.gaierror(-2, "Name or service not known"), f"cannot resolve host '{NAME}': Name or service not known"),
    ],
)  # fmt: skip
def test_a_name_without_an_address_may_have_one_later(dns, answer, says):
    dns.answers = [answer]
    with pytest.raises(httpcore.ConnectError, match=says):
        backend(Network()).connect_tcp(NAME, 443)


def test_a_label_that_the_resolver_cannot_take():
    name = "a" * 70 + ".example"
    with pytest.raises(RunError) as caught:
        backend(Network()).connect_tcp(name, 443)
    assert caught.value.message == f"host {name!r} is not a DNS name; a label is too long"


def test_a_pin_leads_elsewhere_for_its_host_and_port_only(dns):
    dns.answers = [["8.8.8.8"], ["8.8.8.8"]]
    network = Network()
    made = backend(network, pins={(NAME, 443): ("127.0.0.1", 9443)})
    made.connect_tcp(NAME, 443)
    made.connect_tcp(NAME, 8443)
    made.connect_tcp("cdn.example.invalid", 443)
    assert network.asked == [("127.0.0.1", 9443), ("8.8.8.8", 8443), ("8.8.8.8", 443)]


def test_nothing_is_read_after_the_deadline(dns):
    dns.answers = [["8.8.8.8"]]
    made = backend(Network())
    stream = made.connect_tcp(NAME, 443)
    made.finish_by(time.monotonic() - 1)
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1)


def test_tls_verifies_names_and_certificates(trust):
    for context in (tls_context(None), tls_context(trust.cacert)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_without_certificates_is_refused(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        tls_context(path)
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert caught.value.message == f"--cacert {path}: must be a file of PEM certificates"
