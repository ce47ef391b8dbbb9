"""Describes failures of connections in words of networks and certificates, without Python's."""

import re
import ssl

import httpcore

from chartly.egress.request_retry import Failure

_SSL_DECORATION = re.compile(r"^\[[A-Z_]+(?:: [A-Z0-9_]+)?\] | \(_ssl\.c:\d+\)$")
"""The library and the symbol before OpenSSL's words, and the line of C after them."""
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_VERIFY_FAILED = "certificate verify failed: "
_UNKNOWN_ISSUERS = frozenset({2, 18, 19, 20, 21, 27})
"""OpenSSL's codes for a certificate whose issuer is not trusted."""


class UnreachableError(httpcore.ConnectError):
    """No connection: a host has no address, or none of its addresses accepts one."""


def system_cause(error: Exception) -> str:
    """The system's or OpenSSL's words for a failure, without numbers and lines of source."""
    text = _ERRNO.sub("", str(error))
    return _SSL_DECORATION.sub("", text) or type(error).__name__


def transport_failure(error: Exception) -> Failure:
    """The failure of a try that had no complete response."""
    origin = _tls_error(error)
    if isinstance(origin, ssl.SSLCertVerificationError):
        cause = system_cause(origin).removeprefix(_VERIFY_FAILED)
        return Failure(f"TLS: {cause}{_trust_hint(origin)}", transient=False)
    if origin is not None:
        return Failure(f"TLS: {system_cause(origin)}")
    if isinstance(error, httpcore.TimeoutException):
        return Failure("no answer in time")
    if isinstance(error, httpcore.RemoteProtocolError):
        return Failure("the response is cut short or malformed")
    return Failure(system_cause(error))


def _tls_error(error: Exception) -> ssl.SSLError | None:
    """The error of OpenSSL that httpcore wraps; its pool removes the cause, and not the context."""
    origin: BaseException | None = error
    while origin is not None and not isinstance(origin, ssl.SSLError):
        origin = origin.__cause__ or origin.__context__
    return origin


def _trust_hint(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code not in _UNKNOWN_ISSUERS:
        return ""
    return "; to trust the CA that issued the certificate, give its PEM file with --cacert"
