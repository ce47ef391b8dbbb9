"""HTTP to the API server: TLS and tokens as ``kubernetes.aio`` is configured, and plain bytes.

Its own client is not used for requests: what it does around one takes as long as the request.
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
    """Kept connections; there are as many as requests at a time, which workers bound."""

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
        """Status, headers and body of the answer to a request."""
        limits = aiohttp.ClientTimeout(total=seconds)
        async with self._request(method, target, body, media, limits) as answer:
            return answer.status, answer.headers, await answer.read()

    @asynccontextmanager
    async def stream(self, target: str, silence: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer without an end of its own; one that is silent for so long is given up."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence)
        async with self._request("GET", target, None, JSON, limits) as answer:
            yield answer

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
        # A service account's token is read anew when it is due.
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
        ) as answer:
            yield answer

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:  # made within the loop that uses it
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
            self._open = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self._open
