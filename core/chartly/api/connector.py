"""The connector profile: how records are pulled from an HTTP API, and what may leave."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.model import FieldName, Milliseconds, Path, Slug, SpecModel, Unserved
from chartly.api.pagination import Pagination
from chartly.api.request import Members, SecretKey
from chartly.api.transport import EgressPolicy, Transport, origin_of

NEEDS_HTTPS_SAYS = "transport.baseUrl must be https, because auth.mode is not none"
PORT_NOT_LISTED_SAYS = "the port of transport.baseUrl is not in egressPolicy.ports"
NEEDS_SECRET_SAYS = "needs secretRef with name and key"  # noqa: S105 - a sentence, not a secret
NO_SECRET_SAYS = "mode none takes no secretRef"  # noqa: S105 - a sentence, not a secret
NOT_LISTED_SAYS = "of transport.baseUrl is not in egressPolicy.dnsAllowlist"


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
        scheme, host, port = origin_of(self.transport.base_url)
        if host not in self.egress_policy.dns_allowlist:
            raise ValueError(f"host {host!r} {NOT_LISTED_SAYS}")
        if self.egress_policy.ports and port not in self.egress_policy.ports:
            raise ValueError(PORT_NOT_LISTED_SAYS)
        if self.auth.mode != "none" and scheme != "https":
            raise ValueError(NEEDS_HTTPS_SAYS)
        return self
