"""The connector profile: how runs pull records from an HTTP API, and what they may reach."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.model import (
    FieldName,
    MemberError,
    Milliseconds,
    Path,
    Slug,
    SpecModel,
    Unserved,
)
from chartly.api.pagination import Pagination
from chartly.api.request import Members, SecretKey
from chartly.api.suggestion import suggestion_for
from chartly.api.text_forms import SECRET_NAME
from chartly.api.transport import EgressPolicy, Transport, origin_of

NEEDS_HTTPS_MESSAGE = "must be https, because auth.mode is not none"
PORT_NOT_LISTED_MESSAGE = "has a port that is not in egressPolicy.ports"
NEEDS_SECRET_MESSAGE = "needs secretRef with name and key"  # noqa: S105 - a sentence, not a secret
NO_SECRET_MESSAGE = "mode none takes no secretRef"  # noqa: S105 - a sentence, not a secret
NOT_LISTED_MESSAGE = "has a host that is not in egressPolicy.dnsAllowlist"


class SecretRef(SpecModel):
    """One key of a Secret in the run's own project; never a value."""

    name: Annotated[str, Field(pattern=SECRET_NAME, max_length=300)]
    """The Secret; locally the folder `.chartly/secrets/<name>`."""
    key: SecretKey
    """The key in it; locally the file in that folder."""


class Auth(SpecModel):
    """The authentication of requests."""

    mode: Annotated[
        Literal["none", "bearer", "basic", "apiKey", "oauth2", "session"],
        Unserved(("basic", "apiKey", "oauth2", "session")),
    ] = "none"
    """`none`, or `bearer`: the secret's value as bearer token."""
    secret_ref: SecretRef | None = None
    """The secret with the credential; required unless mode is `none`."""

    @model_validator(mode="after")
    def _needs_secret(self) -> Self:
        if self.mode != "none" and self.secret_ref is None:
            raise ValueError(f"mode {self.mode} {NEEDS_SECRET_MESSAGE}")
        if self.mode == "none" and self.secret_ref is not None:
            raise MemberError(NO_SECRET_MESSAGE, "secretRef")
        return self


class RetryPolicy(SpecModel):
    """How often a request is tried, and the waits between."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Tries of one request, including the first."""
    backoff_ms: Milliseconds = 500
    """The longest wait before the second try; it doubles with each try, and the real wait is
    random below it.
    """
    max_backoff_ms: Milliseconds = 60_000
    """Where doubling ends. `Retry-After` is observed up to this, or 5 minutes if that is longer."""
    on: Annotated[tuple[Annotated[int, Field(ge=400, le=599)], ...], Field(max_length=200)] = ()
    """Statuses that are tried again beside 408, 425, 429 and all from 500 on. Quote the name: YAML
    reads a bare `on` as true.
    """


class RateLimit(SpecModel):
    max_requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)]
    """Requests in any 60 seconds at most, including retries and redirects."""


class ResponseRule(SpecModel):
    """The meaning of a status, optionally together with the body."""

    status: Annotated[tuple[Annotated[int, Field(ge=100, le=599)], ...], Field(max_length=200)] = ()
    """The statuses that the rule applies to."""
    body: Annotated[str, Field(max_length=1000)] | None = None
    """Text that the body must contain."""
    action: Literal["retry", "ignore", "fail", "rateLimited"]
    """The action."""


class Records(SpecModel):
    """The part of a page's body with the records."""

    path: Path | None = None
    """JSONPath of the records in a page. Without it: the page itself if it is an array; the one
    array among `data`, `items`, `results`, `records`, `value`; or, without pagination, the page
    as one record.
    """
    filter: Annotated[Path | None, Unserved()] = None
    """The records that are kept."""
    optional: bool = False
    """Whether a page without a value at `path` is an empty page. Otherwise such a page has failed:
    it is requested again, and then the run ends with `UpstreamUnavailable`. A null or an empty
    array is always an empty page.
    """


class Incremental(SpecModel):
    """Pulls only records that are newer than those of the last run."""

    cursor_field: Annotated[str, Field(max_length=256)]
    """The field that grows."""
    request_param: Annotated[str, Field(max_length=128)]
    """The query parameter for its last value."""
    start: Annotated[str, Field(max_length=256)] | None = None
    """The value to start from."""
    format: Annotated[str, Field(max_length=128)] | None = None
    """The format of the value."""
    lookback: Annotated[str, Field(max_length=64)] | None = None
    """The length of time before the last value from which to start."""
    window: Annotated[str, Field(max_length=64)] | None = None
    """The length of time of one request."""


class Parent(SpecModel):
    """A stream that is requested once per record of another stream."""

    stream: Slug
    """The other stream."""
    fields: Annotated[dict[FieldName, Path], Field(max_length=64)]
    """The fields of its records that the requests use."""


class Stream(SpecModel):
    """One of several streams; each of its parts replaces the shared one."""

    name: Slug
    """Its name in the steps of the workflow."""
    transport: Annotated[Members, Field(max_length=16)] | None = None
    """Replaces members of the shared `transport`."""
    pagination: Pagination | None = None
    """Replaces the shared one."""
    records: Records | None = None
    """Replaces the shared one."""
    incremental: Incremental | None = None
    """Replaces the shared one."""
    parent: Parent | None = None
    """Requests once per record of another stream."""


class ConnectorSpec(SpecModel):
    """The spec of a connector profile."""

    transport: Transport
    """The target and form of requests."""
    egress_policy: EgressPolicy
    """The hosts and addresses that requests may reach."""
    auth: Auth = Auth.model_construct()
    """The authentication of requests."""
    pagination: Pagination = Pagination.model_construct()
    """How the next page is requested."""
    retry: RetryPolicy = RetryPolicy.model_construct()
    """How often a request is tried, and the waits between."""
    rate_limit: RateLimit = RateLimit.model_construct(max_requests_per_minute=600)
    """The highest rate of requests."""
    max_run_seconds: Annotated[int, Field(ge=1, le=604_800)] = 14_400
    """Seconds that pulling may take; after them the run ends with `LimitReached`."""
    responses: Annotated[tuple[ResponseRule, ...], Field(max_length=64), Unserved()] = ()
    """The meaning of statuses of this API."""
    records: Records = Records.model_construct()
    """The part of a page with the records."""
    incremental: Annotated[Incremental | None, Unserved()] = None
    """Pulls only new records."""
    streams: Annotated[tuple[Stream, ...], Field(max_length=64), Unserved()] = ()
    """Several streams from one API."""

    @model_validator(mode="after")
    def _base_url_allowed(self) -> Self:
        refusal = self._base_url_refusal()
        if refusal:
            raise MemberError(refusal, "transport", "baseUrl", value=self.transport.base_url)
        return self

    def _base_url_refusal(self) -> str:
        scheme, host, port = origin_of(self.transport.base_url)
        hosts, ports = self.egress_policy.dns_allowlist, self.egress_policy.ports
        if host not in hosts:
            return f"{NOT_LISTED_MESSAGE}; {suggestion_for(host, hosts)}"
        if ports and port not in ports:
            return PORT_NOT_LISTED_MESSAGE
        return NEEDS_HTTPS_MESSAGE if self.auth.mode != "none" and scheme != "https" else ""
