"""The HTTP transport: each connection resolves its name once, and goes to a checked address."""

import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpcore
import httpx

from chartly.egress.addresses import AddressPolicy, objection
from chartly.errors import Reason, RunError
from chartly_connector.transport_fault import UnreachableError, system_cause

Endpoint = tuple[str, int]


class PinnedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that the policy allows (INV-7).

    Args:
        pins: from ``--connect-to``: the endpoint to connect to for another; it is not checked.
    """

    def __init__(self, policy: AddressPolicy, pins: Mapping[Endpoint, Endpoint]) -> None:
        self._policy = policy
        self._pins = dict(pins)
        self._backend = httpcore.SyncBackend()
        self._deadline = math.inf

    def finish_by(self, deadline: float) -> None:
        """Sets the monotonic time after which the streams of this backend stop reading."""
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to a checked address of ``host``."""
        pinned = self._pins.get((host, port))
        endpoints = [pinned] if pinned else [(ip, port) for ip in self._resolve(host, port)]
        failure = UnreachableError(f"host {host!r} has no address")
        for address, address_port in endpoints:
            try:
                stream = self._backend.connect_tcp(
                    address, address_port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failure = UnreachableError(
                    f"cannot connect to host {host!r} at {address} port {address_port}: "
                    f"{system_cause(error)}"
                )
                continue
            _check_peer(stream, address)
            return _TimedStream(stream, lambda: self._deadline)
        raise failure

    def _resolve(self, host: str, port: int) -> list[str]:
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UnreachableError(f"cannot resolve host {host!r}: {error.strerror}") from None
        except UnicodeError:  # a label of more than 63 characters
            raise RunError(
                Reason.EGRESS_DENIED, f"host {host!r} is not a DNS name; a label is too long"
            ) from None
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in resolved))
        for address in addresses:
            why = objection(address, self._policy)
            if why is not None:
                raise RunError(Reason.EGRESS_DENIED, f"host {host!r}: {why}")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A stream whose reads end by one deadline, however steadily bytes arrive."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Callable[[], float]) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline() - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("timed out")
        return self._stream.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's signature
        return self._stream.get_extra_info(info)


def _check_peer(stream: httpcore.NetworkStream, address: str) -> None:
    peer = stream.get_extra_info("server_addr")
    if peer is None or str(peer[0]).partition("%")[0] != address.partition("%")[0]:
        stream.close()
        raise RunError(Reason.EGRESS_DENIED, f"the connection to {address} ended elsewhere")


class PinnedTransport(httpx.BaseTransport):
    """httpx over a pool of pinned connections: no proxies, no netrc, no environment."""

    def __init__(self, backend: PinnedBackend, context: ssl.SSLContext) -> None:
        self._backend = backend
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            network_backend=backend,
            max_connections=4,
            keepalive_expiry=30,
            http2=False,
            retries=0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; its read timeout includes the body, which the caller reads."""
        self._backend.finish_by(time.monotonic() + request.extensions["timeout"]["read"])
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def tls_context(authority: Path | None, trust: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and name verified; both files are trusted in addition.

    Raises:
        RunError: ``ConfigInvalid``: a file holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for option, path in (("--cacert", authority), ("--trust", trust)):
        if path is not None:
            _load_authority(context, option, path)
    return context


def _load_authority(context: ssl.SSLContext, option: str, path: Path) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError):
        raise RunError(
            Reason.CONFIG_INVALID, f"{option} {path}: must be a file of PEM certificates"
        ) from None
