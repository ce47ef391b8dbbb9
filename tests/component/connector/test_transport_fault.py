"""The sentences for connections that fail, with the errors that real sockets raise."""

import socket
import ssl
import threading
from contextlib import closing, suppress

import httpcore
import pytest
import trustme

from chartly_connector.transport_fault import UnreachableError, system_cause, transport_failure

TRUST_HINT = "; to trust the CA that issued the certificate, give its PEM file with --cacert"


def shaken_hands(server_context, client_context, name):
    """The error of a client's TLS handshake, as httpcore raises it."""
    here, there = socket.socketpair()

    def serve():
        with closing(there):
            if server_context is None:
                there.recv(1000)
                there.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            with suppress(OSError):
                server_context.wrap_socket(there, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with pytest.raises(ssl.SSLError) as caught:
            client_context.wrap_socket(here, server_hostname=name)
    finally:
        here.close()
        thread.join()
    wrapped = httpcore.ConnectError(str(caught.value))
    wrapped.__cause__ = caught.value
    return wrapped


@pytest.fixture
def served():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example.invalid").configure_cert(context)
    return authority, context


def test_an_authority_that_is_not_trusted_is_named_with_the_option(served):
    failure = transport_failure(
        shaken_hands(served[1], ssl.create_default_context(), "api.example.invalid")
    )
    assert failure.cause == f"TLS: unable to get local issuer certificate{TRUST_HINT}"
    assert not failure.transient


def test_another_name_is_no_matter_of_trust(served):
    trusting = ssl.create_default_context()
    served[0].configure_trust(trusting)
    failure = transport_failure(shaken_hands(served[1], trusting, "cdn.example.invalid"))
    assert failure.cause.startswith("TLS: Hostname mismatch, certificate is not valid for")
    assert "_ssl" not in failure.cause
    assert "--cacert" not in failure.cause
    assert not failure.transient


def test_a_server_without_tls_is_tried_again():
    failure = transport_failure(
        shaken_hands(None, ssl.create_default_context(), "api.example.invalid")
    )
    assert failure.cause in ("TLS: wrong version number", "TLS: record layer failure")
    assert failure.transient


@pytest.mark.parametrize(
    ("error", "cause", "because"),
    [
        (httpcore.ReadError("[Errno 104] Connection reset by peer"), "Connection reset by peer", "a number of the system"),
        (httpcore.ConnectError("[Errno -2] Name or service not known"), "Name or service not known", "a number of the resolver"),
        (httpcore.ReadError(""), "ReadError", "no words at all"),
        (UnreachableError("host 'a' has no address"), "host 'a' has no address", "our own sentence"),
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT] tlsv1 alert (_ssl.c:1006)"), "tlsv1 alert", "a line of C"),
        (ssl.SSLError(1, "[SSL] record layer failure (_ssl.c:2580)"), "record layer failure", "no symbol"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:1007)"), "EOF occurred in violation of protocol", "no library"),
    ],
)  # fmt: skip
def test_the_cause_is_in_words(error, cause, because):
    assert system_cause(error) == cause, because


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (httpcore.ReadTimeout("timed out"), "no answer in time"),
        (httpcore.ConnectTimeout(""), "no answer in time"),
        (httpcore.RemoteProtocolError("x"), "the response is cut short or malformed"),
        (httpcore.WriteError("[Errno 32] Broken pipe"), "Broken pipe"),
    ],
)
def test_what_may_pass_is_tried_again(error, cause):
    failure = transport_failure(error)
    assert (failure.cause, failure.transient, failure.status) == (cause, True, None)
