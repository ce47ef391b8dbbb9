"""The connector profile: how records are pulled from an HTTP API, and what may leave."""

import ipaddress
import re
from typing import Annotated, Literal, Self, cast
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, model_validator

from chartly.api.model import Bytes, FieldName, Milliseconds, Path, Slug, SpecModel, Unserved
from chartly.api.request import (
    LONGEST_URL,
    PATH_CHARACTERS,
    PORT_FORM,
    PORT_SAYS,
    Headers,
    Members,
    Query,
    RequestPath,
    SecretKey,
    without_credential,
)

HOST_FORM = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST_LENGTH = 253
BASE_HOST_FORM = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
"""A host that can be asked for: the last label is no number, which only addresses have."""
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

CIDR_SAYS = "must be a CIDR such as 10.0.0.0/8, without host bits"
HOST_SAYS = "must be a DNS name in lower case, without scheme, port or wildcard"
BASE_URL_SAYS = "must be https://host[:port][/path] in plain ASCII, without user, query or fragment"
NEEDS_HTTPS_SAYS = "transport.baseUrl must be https, because auth.mode is not none"
PORT_NOT_LISTED_SAYS = "the port of transport.baseUrl is not in egressPolicy.ports"
NEEDS_SECRET_SAYS = "needs secretRef with name and key"  # noqa: S105 - a sentence, not a secret
NO_SECRET_SAYS = "mode none takes no secretRef"  # noqa: S105 - a sentence, not a secret
SIZE_SAYS = "sizeParam needs pageSize"
OFFSET_SAYS = "mode offset needs pageSize"
NOT_LISTED_SAYS = "of transport.baseUrl is not in egressPolicy.dnsAllowlist"
NEVER_AN_END = (401, 403, 408, 425, 429)
NEVER_AN_END_SAYS = "statuses 401, 403, 408, 425 and 429 never mean the end of the pages"
OFFSET_GOES_ON_SAYS = "mode offset cannot go on behind an empty page; stop.emptyPage must be true"
PAGINATION_NEEDS: dict[str, tuple[str, ...]] = {
    "cursor": ("requestParam", "responseField"),
    "nextUrl": ("responseField",),
}
"""The fields that a mode of pagination cannot do without."""


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError:
        raise ValueError(CIDR_SAYS) from None
    if _CIDR.fullmatch(text) is None:
        raise ValueError(CIDR_SAYS)
    return text


def _host(text: str) -> str:
    if len(text) > HOST_LENGTH or _HOST.fullmatch(text) is None:
        raise ValueError(HOST_SAYS)
    return text


def _base_url(text: str) -> str:
    found = _BASE_URL.fullmatch(text)
    if found is None:
        raise ValueError(BASE_URL_SAYS)
    if len(found["host"]) > HOST_LENGTH or _BASE_HOST.fullmatch(found["host"]) is None:
        raise ValueError(HOST_SAYS)
    if found["port"] is not None and _PORT.fullmatch(found["port"]) is None:
        raise ValueError(PORT_SAYS)
    return without_credential(text)


Cidr = Annotated[str, Field(max_length=64), AfterValidator(_network)]
Host = Annotated[str, Field(max_length=300), AfterValidator(_host)]
BaseUrl = Annotated[str, Field(max_length=2000), AfterValidator(_base_url)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Transport(SpecModel):
    """Where and how a request is made."""

    base_url: BaseUrl
    """Where requests go: `https://host[:port][/path]`, no user, query or fragment. `http` is for
    APIs that need no credential.
    """
    path: RequestPath = ""
    """Is put after `baseUrl`; begins with `/`."""
    method: Annotated[Literal["GET", "POST"], Unserved(("POST",))] = "GET"
    """The method of every request."""
    timeout_ms: Milliseconds = 30_000
    """How long one request may take, from connecting to the last byte."""
    max_payload_bytes: Bytes = 16 * 1024 * 1024
    """How large a response may be, on the wire and decompressed; a larger one ends the run with
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
    """What may be reached: hosts by name, addresses by network."""

    dns_allowlist: Annotated[tuple[Host, ...], Field(min_length=1, max_length=64)]
    """The only hosts that a request, a redirect or a page link may lead to; the host of
    `baseUrl` is one of them.
    """
    block_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=256)]
    """Addresses that are refused although their host is allowed. Loopback, link-local, metadata
    and reserved ranges are refused always.
    """
    allow_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=64)] = ()
    """Private ranges that the API lives in; they also must be granted by who runs Chartly."""
    ports: Annotated[tuple[Port, ...], Field(max_length=16)] = ()
    """Ports that may be reached; without it only that of `baseUrl`."""


class SecretRef(SpecModel):
    """One key of a Secret in the run's own project; never a value."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", max_length=300)]
    """The Secret; locally the folder `.chartly/secrets/<name>`."""
    key: SecretKey
    """The key in it; locally the file in that folder."""


class Auth(SpecModel):
    """How a request is authenticated."""

    mode: Annotated[
        Literal["none", "bearer", "basic", "apiKey", "oauth2", "session"],
        Unserved(("basic", "apiKey", "oauth2", "session")),
    ] = "none"
    """`none`, or `bearer`: the secret's value as bearer token."""
    secret_ref: SecretRef | None = None
    """Which secret holds the credential; required unless mode is `none`."""

    @model_validator(mode="after")
    def _needs_secret(self) -> Self:
        if self.mode != "none" and self.secret_ref is None:
            raise ValueError(f"mode {self.mode} {NEEDS_SECRET_SAYS}")
        if self.mode == "none" and self.secret_ref is not None:
            raise ValueError(NO_SECRET_SAYS)
        return self


class Stop(SpecModel):
    """What ends the pages, beside a page without a next one.

    `hasMore`, `total`, `totalHeader` and `totalPages` are what the API itself says: it must be on
    each page that holds records, and if it says that there is more, an empty page does not end the
    run.
    """

    statuses: Annotated[
        tuple[Annotated[int, Field(ge=400, le=499)], ...], Field(max_length=16)
    ] = ()
    """Statuses that stand for the end when they are the answer behind the last page, such as 404.
    On the first page they are failures. 401, 403, 408, 425 and 429 never mean an end.
    """
    has_more: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Where a page says whether there is another: true or false. Dotted name or JSONPath."""
    total: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Where a page says how many records there are on all pages. Dotted name or JSONPath."""
    total_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=128)] | None = None
    """The response header that says how many records there are on all pages."""
    total_pages: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Where a page says how many pages there are. Dotted name or JSONPath."""
    short_page: bool = False
    """Whether a page with fewer records than the largest one before it is the last. A first page
    is never short: the API may send fewer than `pageSize`.
    """
    empty_page: bool | None = None
    """Whether a page without records is the last; true without it for `page` and `offset`, false
    for `cursor` and `nextUrl`. A page of which a filter in `records.path` takes nothing is not
    empty. Mode `offset` cannot go on behind an empty page.
    """
    repeated_page: bool = False
    """Whether a page with the records of the one before it is the last, as of an API that answers
    with its last page again and again; its records count as duplicates. Without it such a page
    ends the run with `PaginationLoop`. For `page` and `offset`.
    """

    @model_validator(mode="after")
    def _never_ends(self) -> Self:
        if any(status in NEVER_AN_END for status in self.statuses):
            raise ValueError(NEVER_AN_END_SAYS)
        return self


class Pagination(SpecModel):
    """How the next page is asked for.

    ``cursor`` reads ``responseField`` and sends it as ``requestParam``; ``page`` and ``offset``
    count; ``nextUrl`` follows the link in ``responseField``. A dotted name reaches into objects.
    """

    mode: Annotated[
        Literal["none", "cursor", "page", "offset", "nextUrl", "linkHeader"],
        Unserved(("linkHeader",)),
    ] = "none"
    """How the next page is found."""
    request_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The query parameter that takes the cursor, page or offset; required for `cursor`,
    otherwise `page` or `offset`.
    """
    response_field: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Where a page holds the next cursor or link; required for `cursor` and `nextUrl`. Null,
    false, empty or absent ends the run of pages; if the first page holds records and not this
    member, that is the warning `PagingFieldNeverSeen`.
    """
    size_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The query parameter that takes `pageSize`."""
    page_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Records asked for per page; `offset` moves by those that came, whatever was asked for."""
    start: Annotated[int, Field(ge=0)] | None = None
    """The first page (1 without it) or offset (0 without it)."""
    max_pages: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Pages at most; if the API has more, the run ends with `LimitReached`."""
    max_empty_pages: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Pages without a record that may follow each other before the run ends with `LimitReached`."""
    stop: Stop = Stop.model_construct()
    """What ends the pages, beside a page without a next one."""

    @model_validator(mode="after")
    def _needs_fields(self) -> Self:
        given = {"requestParam": self.request_param, "responseField": self.response_field}
        for field in PAGINATION_NEEDS.get(self.mode, ()):
            if given[field] is None:
                raise ValueError(f"mode {self.mode} needs {field}")
        if self.size_param is not None and self.page_size is None:
            raise ValueError(SIZE_SAYS)
        if self.mode == "offset" and self.page_size is None:
            raise ValueError(OFFSET_SAYS)
        if self.mode == "offset" and self.stop.empty_page is False:
            raise ValueError(OFFSET_GOES_ON_SAYS)
        return self


class RetryPolicy(SpecModel):
    """How often one request is tried, and how long between."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Tries of one request, the first one counted."""
    backoff_ms: Milliseconds = 500
    """The longest wait before the second try; it doubles with each try, and the real wait is
    random below it.
    """
    max_backoff_ms: Milliseconds = 60_000
    """Where doubling ends. `Retry-After` is obeyed up to this, or 5 minutes if that is longer."""
    on: Annotated[tuple[Annotated[int, Field(ge=400, le=599)], ...], Field(max_length=200)] = ()
    """Statuses that are tried again beside 408, 425, 429 and all from 500 on. Quote the name: YAML
    takes a bare `on` for true.
    """


class RateLimit(SpecModel):
    max_requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)]
    """Requests in any 60 seconds at most, retries and redirects counted."""


class ResponseRule(SpecModel):
    """What a status, with or without a look at the body, means."""

    status: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(max_length=200)] = ()
    """The statuses that the rule is for."""
    body: Annotated[str, Field(max_length=1000)] | None = None
    """What the body must hold."""
    action: Literal["retry", "ignore", "fail", "rateLimited"]
    """What is done."""


class Records(SpecModel):
    """Which part of a page's body are the records."""

    path: Path | None = None
    """JSONPath of the records in a page. Without it: the page itself if it is an array; the one
    array among `data`, `items`, `results`, `records`, `value`; or, without pagination, the page
    as one record.
    """
    filter: Annotated[Path | None, Unserved()] = None
    """Which of the records are taken."""
    optional: bool = False
    """Whether a page may lack what `path` leads to, and then holds no record. Without it such a
    page is a failed one: it is tried again, and then ends the run with `UpstreamUnavailable`. A
    null or an empty array is always an empty page.
    """


class Incremental(SpecModel):
    """Pulls only what is newer than the last run saw."""

    cursor_field: Annotated[str, Field(max_length=256)]
    """The field that grows."""
    request_param: Annotated[str, Field(max_length=128)]
    """The query parameter that takes its last value."""
    start: Annotated[str, Field(max_length=256)] | None = None
    """The value to start from."""
    format: Annotated[str, Field(max_length=128)] | None = None
    """How the value is written."""
    lookback: Annotated[str, Field(max_length=64)] | None = None
    """How far before the last value to start."""
    window: Annotated[str, Field(max_length=64)] | None = None
    """How much to ask for at once."""


class Parent(SpecModel):
    """A stream asked once per record of another stream."""

    stream: Slug
    """The stream whose records are gone through."""
    fields: Annotated[dict[FieldName, Path], Field(max_length=64)]
    """Which of its fields the requests use."""


class Stream(SpecModel):
    """One of several streams; each part it gives replaces the shared one."""

    name: Slug
    """What the workflow's steps call it."""
    transport: Annotated[Members, Field(max_length=16)] | None = None
    """Replaces members of the shared `transport`."""
    pagination: Pagination | None = None
    """Replaces the shared one."""
    records: Records | None = None
    """Replaces the shared one."""
    incremental: Incremental | None = None
    """Replaces the shared one."""
    parent: Parent | None = None
    """Asks once per record of another stream."""


class ConnectorSpec(SpecModel):
    """The spec of a connector profile."""

    transport: Transport
    """Where and how a request is made."""
    egress_policy: EgressPolicy
    """What may be reached."""
    auth: Auth = Auth.model_construct()
    """How a request is authenticated."""
    pagination: Pagination = Pagination.model_construct()
    """How the next page is asked for."""
    retry: RetryPolicy = RetryPolicy.model_construct()
    """How often one request is tried, and how long between."""
    rate_limit: RateLimit = RateLimit.model_construct(max_requests_per_minute=600)
    """How fast requests may leave."""
    max_run_seconds: Annotated[int, Field(ge=1, le=604_800)] = 14_400
    """How long pulling may take; after it the run ends with `LimitReached`."""
    responses: Annotated[tuple[ResponseRule, ...], Field(max_length=64), Unserved()] = ()
    """What statuses mean to this API."""
    records: Records = Records.model_construct()
    """Which part of a page are the records."""
    incremental: Annotated[Incremental | None, Unserved()] = None
    """Pulls only what is new."""
    streams: Annotated[tuple[Stream, ...], Field(max_length=64), Unserved()] = ()
    """Several streams from one API."""

    @model_validator(mode="after")
    def _base_url_allowed(self) -> Self:
        # The field's own check has seen that it is of this form.
        found = cast("re.Match[str]", _BASE_URL.fullmatch(self.transport.base_url))
        if found["host"] not in self.egress_policy.dns_allowlist:
            raise ValueError(f"host {found['host']!r} {NOT_LISTED_SAYS}")
        port = int(found["port"] or DEFAULT_PORTS[found["scheme"]])
        if self.egress_policy.ports and port not in self.egress_policy.ports:
            raise ValueError(PORT_NOT_LISTED_SAYS)
        if self.auth.mode != "none" and found["scheme"] != "https":
            raise ValueError(NEEDS_HTTPS_SAYS)
        return self
