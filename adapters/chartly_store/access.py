"""Where a ClickHouse server is and as whom to speak to it: the Secret ``chartly-store``."""

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
    """A server and a user of it; the password has no representation.

    Attributes:
        authority: a file of certificates that are trusted beside the system's.
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
        """``text`` without the password, wherever it came from (INV-6)."""
        pair = f"{self.username}:{self.password}".encode()
        # As the header spells it, in case somebody on the way echoes that.
        text = text.replace(base64.b64encode(pair).decode(), "***")
        # A server that was just installed has an administrator whose password is empty.
        return text.replace(self.password, "***") if self.password else text


def read_access(folder: Path) -> Access:
    """The access that a mounted Secret holds, one file for each key.

    Raises:
        RunError: ``SecretMissing``: a key is not there, or holds no usable value.
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
        ValueError: it is not one; it is not shown, since it may hold a credential.
    """
    try:
        found = urlsplit(text)
        plain = (
            found.scheme in _PORTS
            and bool(found.hostname)
            and found.port != 0
            and "@" not in found.netloc
            and found.path in ("", "/")
            and not (found.query or found.fragment)
        )
    except ValueError:
        plain = False
    if not plain:
        raise ValueError("must be http(s)://host:port and nothing else")
    return found


def port_of(address: SplitResult) -> int:
    """The port, which the scheme says where it is not written."""
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
