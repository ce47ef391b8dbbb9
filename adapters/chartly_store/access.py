"""The address and login of a ClickHouse server: the Secret ``chartly-store``."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from chartly.errors import Reason, RunError
from chartly.names import STORE_SECRET

_PORTS = {"http": 8123, "https": 8443}
_LONGEST = 16 * 1024
_AUTHORITY = "ca.crt"


@dataclass(frozen=True)
class Access:
    """A server and one of its users; the repr omits the password.

    Attributes:
        authority: a file of certificates that are trusted in addition to the system's.
    """

    scheme: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    authority: Path | None = None

    @property
    def url(self) -> str:
        """The server as errors name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def redacted(self, text: str) -> str:
        """``text`` with every occurrence of the password replaced (INV-6)."""
        pair = f"{self.username}:{self.password}".encode()
        # In the form of the header, which a proxy may echo.
        text = text.replace(base64.b64encode(pair).decode(), "***")
        # The administrator of a newly installed server has an empty password.
        return text.replace(self.password, "***") if self.password else text


def read_access(folder: Path) -> Access:
    """Reads the access from a mounted Secret, one file for each key.

    Raises:
        RunError: ``SecretMissing``: a key is absent, or holds no usable value.
    """
    try:
        address = parse_server_url(_value(folder, "url"))
    except ValueError as error:
        raise _missing("url", str(error)) from None
    authority = folder / _AUTHORITY
    return Access(
        scheme=address.scheme,
        host=str(address.hostname),
        port=port_of(address),
        username=_value(folder, "username"),
        password=_value(folder, "password"),
        authority=authority if authority.exists() else None,
    )


def parse_server_url(text: str) -> SplitResult:
    """The parts of a server's URL.

    Raises:
        ValueError: it is not one; the message omits it, since it may hold a credential.
    """
    try:
        url = urlsplit(text)
        valid = (
            url.scheme in _PORTS
            and bool(url.hostname)
            and url.port != 0
            and "@" not in url.netloc
            and url.path in ("", "/")
            and not (url.query or url.fragment)
        )
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be http(s)://host:port and nothing else")
    return url


def port_of(address: SplitResult) -> int:
    """The port; the scheme's default where the URL has none."""
    return address.port or _PORTS[address.scheme]


def _value(folder: Path, key: str) -> str:
    path = folder / key
    try:
        text = path.read_bytes()[:_LONGEST].decode("utf-8")
    except FileNotFoundError:
        raise _missing(key, f"{path} is not there") from None
    except (OSError, UnicodeDecodeError):
        raise _missing(key, f"{path} is not readable as text") from None
    value = text.removesuffix("\n").removesuffix("\r")
    if not value or not value.isprintable():
        raise _missing(key, f"{path} is empty or holds control characters")
    return value


def _missing(key: str, why: str) -> RunError:
    return RunError(Reason.SECRET_MISSING, f"secret {STORE_SECRET!r} key {key!r}: {why}")
