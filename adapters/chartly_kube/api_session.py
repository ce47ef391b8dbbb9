"""HTTP to the API server: TLS and tokens as ``kubernetes.aio`` is configured, and plain bytes.

The library's client is not used for requests: its overhead takes as long as the request.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from chartly.names import FIELD_MANAGER

JSON = "application/json"
_CONNECT_SECONDS = 30.0


class ApiSession:
    """A pool of connections: as many as concurrent requests, which the workers bound."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._tls = RESTClientObject(configuration).ssl_context
        self._open: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()

    async def exchange(
        self, method: str, target: str, body: bytes | None, media: str, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, headers and body of the response to a request."""
        limits = aiohttp.ClientTimeout(total=seconds)
        async with self._request(method, target, body, media, limits) as response:
            return response.status, response.headers, await response.read()

    @asynccontextmanager
    async def stream(self, target: str, silence: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response that is read while it arrives; ``silence`` seconds without data end it."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence)
        async with self._request("GET", target, None, JSON, limits) as response:
            yield response

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        target: str,
        body: bytes | None,
        media: str,
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        configuration = self._configuration
        headers = {"Accept": JSON, "Content-Type": media, "User-Agent": FIELD_MANAGER}
        # A service account's token is read again once it expires.
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        async with self._session().request(
            method,
            f"{configuration.host}{target}",
            data=body,
            headers=headers,
            timeout=limits,
            proxy=configuration.proxy,
            server_hostname=configuration.tls_server_name,
        ) as response:
            yield response

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:  # created within the event loop that uses it
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
            self._open = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self._open
