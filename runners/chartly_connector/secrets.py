"""Credentials: read from files, sent to their own origin only, redacted in every output."""

from dataclasses import dataclass, field
from pathlib import Path

from chartly.api.connector import Auth
from chartly.egress.credential_echo import echo_of
from chartly.egress.origins import Origin
from chartly.egress.secret_value import secret_objection, secret_value
from chartly.errors import Reason, RunError

ALLOWED_ORIGINS = "allowed-origins"


@dataclass(frozen=True)
class Credential:
    """A secret value with its allowed origins; the repr omits the value.

    Attributes:
        origins: the origins that the Secret itself allows; None where it names none.
    """

    name: str
    value: str = field(repr=False)
    origins: frozenset[str] | None


def read_credential(auth: Auth, folder: Path) -> Credential | None:
    """The credential that a profile names, from ``<folder>/<name>/<key>``.

    Raises:
        RunError: ``SecretMissing``: the file does not exist, or holds no usable value.
    """
    if auth.secret_ref is None:
        return None
    name, key = auth.secret_ref.name, auth.secret_ref.key
    path = folder / name / key
    try:
        content = path.read_bytes().decode("ascii")
    except FileNotFoundError:
        raise _missing(name, key, f"{path} is not there") from None
    except (OSError, UnicodeDecodeError):
        raise _missing(name, key, f"{path} is not readable as ASCII text") from None
    value = secret_value(content)
    objection = secret_objection(value)
    if objection is not None:
        raise _missing(name, key, f"{path} {objection}")
    return Credential(f"{name}/{key}", value, _origins(folder / name / ALLOWED_ORIGINS))


def _origins(path: Path) -> frozenset[str] | None:
    if not path.exists():
        return None
    try:
        return frozenset(path.read_text(encoding="ascii").split())
    except UnicodeDecodeError:
        raise _missing(path.parent.name, path.name, f"{path} is not ASCII text") from None


def check_origin(credential: Credential, origin: Origin) -> None:
    """Raises unless the Secret allows its value to be sent to ``origin``.

    Raises:
        RunError: ``SecretOriginRefused``.
    """
    if credential.origins is not None and str(origin) not in credential.origins:
        raise RunError(
            Reason.SECRET_ORIGIN_REFUSED,
            f"secret {credential.name} may not go to {origin}; its {ALLOWED_ORIGINS} key allows "
            f"{', '.join(sorted(credential.origins))}",
        )


def redacted(text: str, credential: Credential | None) -> str:
    """``text`` with the credential's value replaced, in any encoding."""
    return text if credential is None else echo_of(credential.value).redacted(text)


def _missing(name: str, key: str, problem: str) -> RunError:
    return RunError(Reason.SECRET_MISSING, f"secret {name!r} key {key!r}: {problem}")
