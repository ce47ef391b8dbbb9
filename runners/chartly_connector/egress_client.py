"""The egress client: fetches one page at a time, checks every hop and retries passing failures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

import httpcore
import httpx

from chartly.api.connector import ConnectorSpec
from chartly.egress.credential_echo import echo_of
from chartly.egress.origins import (
    MAX_REDIRECTS,
    OriginPolicy,
    RequestTarget,
    check_target,
    follow,
    origin_policy,
    parse_target,
)
from chartly.egress.rate_limit import RateWindow
from chartly.egress.request_retry import Failure, is_success, wait_seconds
from chartly.errors import Reason, RunError
from chartly.warning import RunWarning, WarningReason
from chartly_connector.charset import as_utf8
from chartly_connector.response_body import TruncatedError, check_size, read_body
from chartly_connector.secrets import Credential, check_origin, redacted
from chartly_connector.transport_fault import UnreachableError, transport_failure

NO_PAGE = b"null"
"""The body of a page without one: status 204, or a response after the last page."""
_NO_CONTENT = 204
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_T = TypeVar("_T")


@dataclass(frozen=True)
class PullClock:
    """The sources of time and chance of a pull, which tests replace."""

    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    chance: Callable[[], float]


@dataclass
class Traffic:
    """The requests, bytes and warnings of a pull so far."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    throttled_seconds: float = 0.0
    codes: dict[str, int] = field(default_factory=dict)
    warnings: list[RunWarning] = field(default_factory=list)


@dataclass(frozen=True)
class Response:
    """One complete response; in those that ``fetch`` returns, marks replace the credential."""

    target: RequestTarget
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Expectation:
    """The statuses that end the pages instead of failing.

    Attributes:
        ends: whether a status means the end of the pages.
        hint: the clause of an error that names the field of a profile for such a status.
    """

    ends: Callable[[int], bool] = lambda _status: False
    hint: Callable[[int], str] = lambda _status: ""


_A_PAGE = Expectation()


class EgressClient:
    """Fetches pages of one connector.

    Args:
        transport: sends requests, and checks addresses.
        credential: sent to the origin of ``transport.baseUrl`` only (INV-6).
        name: how errors name the connector.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        transport: httpx.BaseTransport,
        credential: Credential | None,
        clock: PullClock,
        name: str = "connector",
    ) -> None:
        self._spec = spec
        self._name = name
        self._policy: OriginPolicy = origin_policy(
            spec.transport.base_url, spec.egress_policy.dns_allowlist, spec.egress_policy.ports
        )
        self._credential = credential
        self._echo = echo_of(credential.value if credential else None)
        self._clock = clock
        self._rate = RateWindow(spec.rate_limit.max_requests_per_minute)
        self._transport = transport
        self.traffic = Traffic()
        if credential is not None:
            check_origin(credential, self._policy.home)
            if self._policy.home.scheme != "https":
                raise RunError(
                    Reason.EGRESS_DENIED, f"{self._policy.home}: a credential needs https"
                )

    def redacted(self, text: str) -> str:
        """``text`` without the credential, which an API may echo in any text."""
        return redacted(text, self._credential)

    def page_target(self, query: dict[str, str]) -> RequestTarget:
        """The URL of a page: base URL, path, and the queries of the profile and of paging.

        Raises:
            RunError: the token in the query cannot be sent.
        """
        transport = self._spec.transport
        base = transport.base_url.rstrip("/") + transport.path
        restored = {name: self._echo.restored(value) for name, value in query.items()}
        pairs = {**transport.query, **restored}
        try:
            return parse_target(f"{base}?{urlencode(pairs)}" if pairs else base)
        except UnicodeEncodeError:
            raise RunError(
                Reason.UPSTREAM_UNAVAILABLE,
                "the API's page token holds half of a surrogate pair, which no URL can carry",
            ) from None

    def link_target(self, link: str, current: RequestTarget) -> RequestTarget:
        """The checked URL of a page's link to the next one."""
        source = replace(current, path=self._echo.restored(current.path))
        restored = self._echo.restored(link) if isinstance(link, str) else link
        return follow(source, restored, self._policy, "next link")

    def fetch(
        self,
        target: RequestTarget,
        accept: Callable[[Response], _T],
        expected: Expectation = _A_PAGE,
    ) -> tuple[Response, _T]:
        """Fetches a page; returns it with the result of ``accept``.

        The body of a page without one is ``null``.

        Raises:
            RunError: as the retry policy decides; also errors of ``accept``, unless their reason
                is ``UpstreamUnavailable``, which is retried.
        """
        attempt = 1
        while True:
            try:
                response = self._follow_redirects(target)
                if response.status == _NO_CONTENT or expected.ends(response.status):
                    response = _without_page(response)
                if is_success(response.status) or expected.ends(response.status):
                    kept, echoes = self._kept(self._in_utf8(response))
                    accepted = accept(kept)
                    self._warn(echoes)
                    return kept, accepted
                failure = Failure(
                    f"status {response.status}", response.status, headers=response.headers
                )
            except RunError as error:
                if error.reason is not Reason.UPSTREAM_UNAVAILABLE:
                    raise
                failure = Failure(error.message)
            except httpcore.LocalProtocolError:
                raise _unsendable(target) from None
            except _FAULTS as error:
                failure = self._fault(error, target)
            self._wait(failure, attempt, target, expected)
            attempt += 1

    def _fault(self, error: Exception, target: RequestTarget) -> Failure:
        """The failure of a try; one that reached no host names the field that holds the host."""
        failure = transport_failure(error)
        if isinstance(error, UnreachableError) and target.origin == self._policy.home:
            return replace(failure, cause=f"{failure.cause}; see transport.baseUrl of {self._name}")
        return failure

    def _in_utf8(self, response: Response) -> Response:
        body = as_utf8(response.body, response.headers.get("content-type", ""))
        check_size(len(body), self._spec.transport.max_payload_bytes)
        return replace(response, body=body)

    def _kept(self, response: Response) -> tuple[Response, int]:
        """The response in the form to be stored, and how often it held the credential."""
        page = self._echo.hidden(response.body)
        target = replace(response.target, path=self._echo.marked(response.target.path))
        return replace(response, target=target, body=page.content), page.count

    def _warn(self, echoes: int) -> None:
        if echoes:
            message = "the API sends the credential back; __credential_...__ is kept in its place"
            self.traffic.warnings.append(
                RunWarning(WarningReason.CREDENTIAL_ECHOED, "auth.secretRef", message, echoes)
            )

    def _check_credential(self, target: RequestTarget) -> None:
        """Raises where a URL of another origin holds the credential (INV-6)."""
        if target.origin != self._policy.home and self._echo.occurs_in(target.url):
            raise RunError(
                Reason.SECRET_ORIGIN_REFUSED,
                f"the API's link to {target.origin} holds the credential, which may go to "
                f"{self._policy.home} only",
            )

    def _wait(
        self, failure: Failure, attempt: int, target: RequestTarget, expected: Expectation
    ) -> None:
        try:
            seconds = wait_seconds(
                failure,
                attempt,
                self._spec.retry,
                now=self._clock.now(),
                chance=self._clock.chance(),
            )
        except RunError as error:
            hint = "" if failure.status is None else expected.hint(failure.status)
            raise RunError(error.reason, f"{target.public}: {error.message}{hint}") from None
        self.traffic.retries += 1
        self._throttle(seconds)

    def _throttle(self, seconds: float) -> None:
        if seconds > 0:
            self.traffic.throttled_seconds += seconds
            self._clock.sleep(seconds)

    def _follow_redirects(self, target: RequestTarget) -> Response:
        start = target
        for _ in range(MAX_REDIRECTS + 1):
            response = self._exchange(target)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            target = follow(target, response.headers["location"], self._policy, "redirect")
        raise RunError(Reason.EGRESS_DENIED, f"{start.public}: more than {MAX_REDIRECTS} redirects")

    def _exchange(self, target: RequestTarget) -> Response:
        check_target(target, self._policy)
        self._check_credential(target)
        self._throttle(self._rate.delay(self._clock.monotonic()))
        self._rate.note(self._clock.monotonic())
        self.traffic.requests += 1
        seconds = self._spec.transport.timeout_ms / 1000
        deadline = time.monotonic() + seconds
        response = self._sent(target, seconds)
        try:
            self._count_code(response.status_code)
            body = read_body(
                response, self._spec.transport.max_payload_bytes, deadline, self._count_bytes
            )
        finally:
            response.close()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(target, response.status_code, headers, body)

    def _sent(self, target: RequestTarget, seconds: float) -> httpx.Response:
        """The response to a request; the error of a denied address names the URL that led to it."""
        try:
            return self._transport.handle_request(self._request(target, seconds))
        except RunError as error:
            if error.reason is not Reason.EGRESS_DENIED or not target.led_by:
                raise
            raise RunError(error.reason, f"{target.led_by}: {error.message}") from None

    def _request(self, target: RequestTarget, seconds: float) -> httpx.Request:
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        try:
            return httpx.Request(
                "GET",
                target.url,
                headers=self._headers(target),
                extensions={"timeout": timeout},
            )
        except (UnicodeEncodeError, httpx.InvalidURL):
            raise _unsendable(target) from None

    def _headers(self, target: RequestTarget) -> dict[str, str]:
        headers = {"accept-encoding": "gzip, deflate", "user-agent": "chartly"}
        if target.origin == self._policy.home:
            own = self._spec.transport.headers
            headers |= {name.lower(): value for name, value in own.items()}
            if self._credential is not None:
                headers["authorization"] = f"Bearer {self._credential.value}"
        headers.setdefault("accept", "application/json")
        return headers

    def _count_code(self, status: int) -> None:
        self.traffic.codes[str(status)] = self.traffic.codes.get(str(status), 0) + 1

    def _count_bytes(self, size: int) -> None:
        self.traffic.bytes += size


_FAULTS = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TruncatedError)


def _without_page(response: Response) -> Response:
    """The response with an empty page, whatever its body and content type are."""
    headers = {name: value for name, value in response.headers.items() if name != "content-type"}
    return replace(response, headers=headers, body=NO_PAGE)


def _unsendable(target: RequestTarget) -> RunError:
    """The error of an invalid request, which a retry would meet again."""
    return RunError(
        Reason.CONFIG_INVALID,
        f"{target.public}: the request cannot be sent; a header's name or value, or the URL, is "
        "not what RFC 9110 allows",
    )
