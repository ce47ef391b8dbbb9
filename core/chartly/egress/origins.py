"""The targets of requests: parsed once, checked against the profile, the same for every hop."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from chartly.api.request import LONGEST_URL
from chartly.errors import Reason, RunError

MAX_REDIRECTS = 5
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(#.*)?"
)
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: the scope of a credential (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if _DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True)
class RequestTarget:
    """A parsed URL: its origin, and path with query as they go on the wire.

    Attributes:
        led_by: the redirect or link of the API that led there; empty where the profile itself
            names the URL.
    """

    origin: Origin
    path: str
    led_by: str = field(default="", compare=False)

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def public(self) -> str:
        """The URL without its query, which may contain secrets."""
        return f"{self.origin}{self.path.partition('?')[0]}"


@dataclass(frozen=True)
class OriginPolicy:
    """The hosts and ports that a profile allows.

    Attributes:
        home: the origin of ``transport.baseUrl``; credentials are sent there and nowhere else.
    """

    home: Origin
    hosts: frozenset[str]
    ports: frozenset[int]


def parse_target(url: str) -> RequestTarget:
    """Parses a URL with a DNS name for a host.

    Raises:
        RunError: ``EgressDenied``: it is too long, has another scheme, a user, an address for a
            host, or characters that parsers of URLs interpret differently.
    """
    if len(url) > LONGEST_URL:
        raise _denied(f"a URL of {len(url)} characters is too long; allowed are {LONGEST_URL}")
    parts = _URL.fullmatch(url) if _PRINTABLE.fullmatch(url) else None
    authority = _AUTHORITY.fullmatch(parts["authority"]) if parts else None
    if parts is None or authority is None or "\\" in url:
        raise _denied("a URL must be https://host[:port]/path in plain ASCII, without a user")
    scheme, host = parts["scheme"].lower(), authority["host"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _denied(f"scheme {scheme!r} is not allowed; allowed is https")
    if _NAME.fullmatch(host) is None:
        raise _denied(f"host {host!r} is not a DNS name; addresses are not allowed")
    port = int(authority["port"]) if authority["port"] else _DEFAULT_PORTS[scheme]
    return RequestTarget(
        Origin(scheme, host, port), (parts["path"] or "/") + (parts["query"] or "")
    )


def origin_policy(base_url: str, hosts: tuple[str, ...], ports: tuple[int, ...]) -> OriginPolicy:
    """The policy of a connector profile; without ``ports`` only that of its base URL."""
    home = parse_target(base_url).origin
    return OriginPolicy(home, frozenset(hosts), frozenset(ports or (home.port,)))


def follow(
    current: RequestTarget, link: str, policy: OriginPolicy, kind: str = "link"
) -> RequestTarget:
    """The target of a redirect or a page link; relative ones are resolved at ``current``.

    Args:
        kind: the noun for it in error messages.

    Raises:
        RunError: ``EgressDenied``: the profile does not allow it, or it falls back to http; names
            the URL that led there.
    """
    led_by = f"the {kind} of {current.public}"
    try:
        return replace(_target_of(current, link, policy), led_by=led_by)
    except RunError as error:
        raise RunError(error.reason, f"{led_by}: {error.message}") from None


def _target_of(current: RequestTarget, link: str, policy: OriginPolicy) -> RequestTarget:
    if not isinstance(link, str) or _PRINTABLE.fullmatch(link) is None:
        raise _denied("a link must be a URL in plain ASCII")
    try:
        joined = urljoin(current.url, link)
    except ValueError:  # brackets around what is no IPv6 address
        raise _denied("a link must be a URL whose host is a DNS name") from None
    target = parse_target(joined)
    if current.origin.scheme == "https" and target.origin.scheme != "https":
        raise _denied(f"{target.public} leaves https")
    check_target(target, policy)
    return target


def check_target(target: RequestTarget, policy: OriginPolicy) -> None:
    """Validates that the profile allows a target's host and port.

    Raises:
        RunError: ``EgressDenied`` otherwise.
    """
    origin = target.origin
    if origin.scheme == "http" and policy.home.scheme != "http":
        raise _denied(f"{target.public} leaves https")
    if origin.host not in policy.hosts:
        allowed = ", ".join(sorted(policy.hosts))
        raise _denied(f"host {origin.host!r} is not in egressPolicy.dnsAllowlist: {allowed}")
    if origin.port not in policy.ports:
        allowed = ", ".join(map(str, sorted(policy.ports)))
        raise _denied(
            f"port {origin.port} of {origin.host!r} is not allowed; allowed are {allowed}"
        )


def _denied(message: str) -> RunError:
    return RunError(Reason.EGRESS_DENIED, message)
