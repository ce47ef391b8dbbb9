"""The transport and the egress policy of a connector profile."""

import ipaddress
import re
from typing import Annotated, Literal, Self, cast
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, model_validator

from chartly.api.model import Bytes, Milliseconds, SpecModel, Unserved
from chartly.api.request import (
    LONGEST_URL,
    PATH_CHARACTERS,
    PORT_FORM,
    PORT_MESSAGE,
    Headers,
    Members,
    Query,
    RequestPath,
    without_credential,
)

HOST_FORM = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST_LENGTH = 253
BASE_HOST_FORM = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
"""The host of a base URL: its last label is no number, which only addresses have."""
BASE_URL_FORM = (
    r"(?P<scheme>https?)://(?P<host>[^/?#@:\[\]]+)(:(?P<port>[0-9]{1,5}))?"
    rf"(?P<path>/{PATH_CHARACTERS})?"
)
DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(HOST_FORM)
_BASE_HOST = re.compile(BASE_HOST_FORM)
_BASE_URL = re.compile(BASE_URL_FORM)
_PORT = re.compile(PORT_FORM)
_CIDR = re.compile(r"[0-9a-fA-F.:]+/(0|[1-9][0-9]{0,2})")

CIDR_MESSAGE = "must be a CIDR such as 10.0.0.0/8, without host bits"
HOST_MESSAGE = "must be a DNS name in lower case, without scheme, port or wildcard"
BASE_URL_MESSAGE = (
    "must be https://host[:port][/path] in plain ASCII, without user, query or fragment"
)


def _checked_network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError:
        raise ValueError(CIDR_MESSAGE) from None
    if _CIDR.fullmatch(text) is None:
        raise ValueError(CIDR_MESSAGE)
    return text


def _checked_host(text: str) -> str:
    if len(text) > HOST_LENGTH or _HOST.fullmatch(text) is None:
        raise ValueError(HOST_MESSAGE)
    return text


def _checked_base_url(text: str) -> str:
    url = _BASE_URL.fullmatch(text)
    if url is None:
        raise ValueError(BASE_URL_MESSAGE)
    if len(url["host"]) > HOST_LENGTH or _BASE_HOST.fullmatch(url["host"]) is None:
        raise ValueError(HOST_MESSAGE)
    if url["port"] is not None and _PORT.fullmatch(url["port"]) is None:
        raise ValueError(PORT_MESSAGE)
    return without_credential(text)


Cidr = Annotated[str, Field(max_length=64), AfterValidator(_checked_network)]
Host = Annotated[str, Field(max_length=300), AfterValidator(_checked_host)]
BaseUrl = Annotated[str, Field(max_length=2000), AfterValidator(_checked_base_url)]
Port = Annotated[int, Field(ge=1, le=65535)]


def origin_of(base_url: BaseUrl) -> tuple[str, str, int]:
    """Scheme, host and port of a base URL (RFC 6454)."""
    url = cast("re.Match[str]", _BASE_URL.fullmatch(base_url))  # validated by its type
    return url["scheme"], url["host"], int(url["port"] or DEFAULT_PORTS[url["scheme"]])


class Transport(SpecModel):
    """The target and form of requests."""

    base_url: BaseUrl
    """Where requests go: `https://host[:port][/path]`, no user, query or fragment. `http` is for
    APIs that need no credential.
    """
    path: RequestPath = ""
    """The path after `baseUrl`; begins with `/`."""
    method: Annotated[Literal["GET", "POST"], Unserved(("POST",))] = "GET"
    """The method of every request."""
    timeout_ms: Milliseconds = 30_000
    """Milliseconds that one request may take, from connecting to the last byte."""
    max_payload_bytes: Bytes = 16 * 1024 * 1024
    """Bytes of a response at most, on the wire and decompressed; a larger one ends the run with
    `LimitReached`.
    """
    headers: Headers = Field(default_factory=dict)
    """Sent to the origin of `baseUrl` only. What looks like a credential by its name or value is
    refused, and so are the headers of the connection itself, such as `Host`.
    """
    query: Query = Field(default_factory=dict)
    """Query parameters of every page. What looks like a credential by its name or value is
    refused.
    """
    body: Annotated[Annotated[Members, Field(max_length=1000)] | None, Unserved()] = None
    """The JSON body of a POST."""

    @model_validator(mode="after")
    def _fits_into_a_url(self) -> Self:
        length = len(f"{self.base_url}{self.path}?{urlencode(self.query)}")
        if length > LONGEST_URL:
            raise ValueError(f"makes a URL of {length} characters; allowed are {LONGEST_URL}")
        return self


class EgressPolicy(SpecModel):
    """The hosts that requests may reach by name, and the addresses by network."""

    dns_allowlist: Annotated[tuple[Host, ...], Field(min_length=1, max_length=64)]
    """The only hosts that a request, a redirect or a page link may lead to; the host of
    `baseUrl` is one of them.
    """
    block_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=256)]
    """Addresses that are refused although their host is allowed. Loopback, link-local, metadata
    and reserved ranges are refused always.
    """
    allow_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=64)] = ()
    """Private ranges of the API; the project also needs a grant for them."""
    ports: Annotated[tuple[Port, ...], Field(max_length=16)] = ()
    """Ports that requests may reach; without it only that of `baseUrl`."""
