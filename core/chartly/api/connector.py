"""The connector profile: how records are pulled from an HTTP API, and what may leave."""

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chartly.api.model import Bytes, FieldName, Milliseconds, Slug, SpecModel

_CREDENTIAL_NAME = re.compile(
    r"(authorization|cookie|token|secret|password|passwd|api[-_]?key|access[-_]?key|signature)",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?"
)
_BASE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#@:\[\]]+)(:(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?"
)


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        raise ValueError(f"must be a CIDR such as 10.0.0.0/8: {error}") from None
    return text


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None:
        raise ValueError("must be a DNS name in lower case, without scheme, port or wildcard")
    return text


def _base_url(text: str) -> str:
    found = _BASE_URL.fullmatch(text)
    if found is None:
        raise ValueError("must be https://host[:port][/path], without user, query or fragment")
    _host(found["host"])
    return text


def _no_credential(pairs: dict[str, str]) -> dict[str, str]:
    for name in pairs:
        if _CREDENTIAL_NAME.search(name):
            raise ValueError(f"{name!r} looks like a credential; name it through auth.secretRef")
    return pairs


Cidr = Annotated[str, AfterValidator(_network)]
Host = Annotated[str, AfterValidator(_host)]
OpenPairs = Annotated[dict[str, str], AfterValidator(_no_credential)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Transport(SpecModel):
    """Where and how a request is made."""

    base_url: Annotated[str, AfterValidator(_base_url)]
    path: Annotated[str, Field(pattern=r"^[^?#]*$", max_length=2000)] = ""
    method: Literal["GET", "POST"] = "GET"
    timeout_ms: Milliseconds = 30_000
    max_payload_bytes: Bytes = 16 * 1024 * 1024
    headers: OpenPairs = Field(default_factory=dict)
    query: OpenPairs = Field(default_factory=dict)
    body: dict[str, object] | None = None


class EgressPolicy(SpecModel):
    """What may be reached: hosts by name, addresses by network."""

    dns_allowlist: Annotated[tuple[Host, ...], Field(min_length=1, max_length=64)]
    block_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=256)]
    allow_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=64)] = ()
    ports: Annotated[tuple[Port, ...], Field(max_length=16)] = ()


class SecretRef(SpecModel):
    """One key of a Secret in the run's own project; never a value."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]


class Auth(SpecModel):
    """How a request is authenticated."""

    mode: Literal["none", "bearer", "basic", "apiKey", "oauth2", "session"] = "none"
    secret_ref: SecretRef | None = None

    @model_validator(mode="after")
    def _needs_secret(self) -> Self:
        if self.mode != "none" and self.secret_ref is None:
            raise ValueError(f"mode {self.mode} needs secretRef with name and key")
        if self.mode == "none" and self.secret_ref is not None:
            raise ValueError("mode none takes no secretRef")
        return self


class Pagination(SpecModel):
    """How the next page is asked for.

    ``cursor`` reads ``responseField`` and sends it as ``requestParam``; ``page`` and ``offset``
    count; ``nextUrl`` follows the link in ``responseField``. A dotted name reaches into objects.
    """

    mode: Literal["none", "cursor", "page", "offset", "nextUrl", "linkHeader"] = "none"
    request_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    response_field: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    size_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    page_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    start: Annotated[int, Field(ge=0)] | None = None
    max_pages: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    max_empty_pages: Annotated[int, Field(ge=0, le=10_000)] = 10

    @model_validator(mode="after")
    def _needs_fields(self) -> Self:
        needs = {"cursor": ("request_param", "response_field"), "nextUrl": ("response_field",)}
        for field in needs.get(self.mode, ()):
            if getattr(self, field) is None:
                alias = type(self).model_fields[field].alias
                raise ValueError(f"mode {self.mode} needs {alias}")
        if self.size_param is not None and self.page_size is None:
            raise ValueError("sizeParam needs pageSize")
        if self.mode == "offset" and self.page_size is None:
            raise ValueError("mode offset needs pageSize")
        return self


class RetryPolicy(SpecModel):
    """How often one request is tried, and how long between."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    backoff_ms: Milliseconds = 500
    max_backoff_ms: Milliseconds = 60_000
    on: tuple[Annotated[int, Field(ge=400, le=599)], ...] = ()


class RateLimit(SpecModel):
    max_requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)]


class ResponseRule(SpecModel):
    """What a status, with or without a look at the body, means."""

    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    body: str | None = None
    action: Literal["retry", "ignore", "fail", "rateLimited"]


class Records(SpecModel):
    """Which part of a page's body are the records."""

    path: str | None = None
    filter: str | None = None


class Incremental(SpecModel):
    """Pulls only what is newer than the last run saw."""

    cursor_field: str
    request_param: str
    start: str | None = None
    format: str | None = None
    lookback: str | None = None
    window: str | None = None


class Parent(SpecModel):
    """A stream asked once per record of another stream."""

    stream: Slug
    fields: dict[FieldName, str]


class Stream(SpecModel):
    """One of several streams; each part it gives replaces the shared one."""

    name: Slug
    transport: dict[str, object] | None = None
    pagination: Pagination | None = None
    records: Records | None = None
    incremental: Incremental | None = None
    parent: Parent | None = None


class ConnectorSpec(SpecModel):
    """The spec of a connector profile."""

    transport: Transport
    egress_policy: EgressPolicy
    auth: Auth = Auth.model_construct()
    pagination: Pagination = Pagination.model_construct()
    retry: RetryPolicy = RetryPolicy.model_construct()
    rate_limit: RateLimit = RateLimit.model_construct(max_requests_per_minute=600)
    max_run_seconds: Annotated[int, Field(ge=1, le=604_800)] = 14_400
    responses: tuple[ResponseRule, ...] = ()
    records: Records = Records.model_construct()
    incremental: Incremental | None = None
    streams: tuple[Stream, ...] = ()

    @model_validator(mode="after")
    def _base_host_allowed(self) -> Self:
        found = _BASE_URL.fullmatch(self.transport.base_url)
        if found and found["host"] not in self.egress_policy.dns_allowlist:
            raise ValueError(
                f"host {found['host']!r} of transport.baseUrl is not in egressPolicy.dnsAllowlist"
            )
        return self
