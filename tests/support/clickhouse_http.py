"""ClickHouse's HTTP protocol: requests into queries, answers and refusals into responses."""

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import lz4.frame  # type: ignore[import-untyped]  # it has none

from support.clickhouse_engine import Answer, Query, RefusalError

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from backports import zstd

_RESERVED = frozenset({
    "query", "database", "user", "password", "quota_key", "role", "session_id", "session_timeout",
    "session_check", "query_id", "compress", "decompress", "default_format", "buffer_size",
    "wait_end_of_query", "client_protocol_version", "enable_http_compression",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
})  # fmt: skip
_STATUS = {516: 403, 497: 403, 60: 404, 81: 404, 62: 400, 115: 400, 117: 400, 164: 403, 373: 423}
UNKNOWN_ENCODING = 48
BAD_REQUEST = 36


def decompressed(body: bytes, encoding: str) -> bytes:
    """A request's body as it was before.

    Raises:
        RefusalError: 48 or 36: nobody knows the encoding, or the body does not have it.
    """
    try:
        match encoding:
            case "" | "identity":
                return body
            case "lz4":
                return bytes(lz4.frame.decompress(body))
            case "zstd":
                return bytes(zstd.decompress(body))
            case "gzip":
                return gzip.decompress(body)
            case "deflate":
                return zlib.decompress(body)
    except (RuntimeError, OSError, EOFError, zlib.error, zstd.ZstdError) as error:
        raise RefusalError(BAD_REQUEST, f"Cannot decompress the body: {error}") from None
    raise RefusalError(UNKNOWN_ENCODING, f"Unknown compression method {encoding}")


def compressed(body: bytes, accepted: str) -> tuple[bytes, str]:
    """A response's body in the first encoding that both sides know, and which that is."""
    for encoding in (one.partition(";")[0].strip() for one in accepted.split(",")):
        match encoding:
            case "lz4":
                return bytes(lz4.frame.compress(body)), encoding
            case "zstd":
                return bytes(zstd.compress(body)), encoding
            case "gzip":
                return gzip.compress(body), encoding
            case "deflate":
                return zlib.compress(body), encoding
    return body, ""


def credentials(headers: Mapping[str, str], url: Mapping[str, str]) -> tuple[str, str]:
    """The user and password that a request brings; ``default`` without one where it brings none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password
    if "x-clickhouse-user" in headers:
        return headers["x-clickhouse-user"], headers.get("x-clickhouse-key", "")
    return url.get("user", "default"), url.get("password", "")


def query_of(method: str, url: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Query:
    """The query of a request: in the URL, in the body, in both, or in the fields of a form.

    Raises:
        RefusalError: it has none, or comes in a way that nobody reads.
    """
    asked = dict(url)
    if headers.get("content-type", "").startswith("multipart/form-data"):
        asked |= _form(headers["content-type"], body)
        body = b""
    statement = asked.get("query", "").encode()
    statement = statement + b"\n" + body if statement and body else statement or body
    if not statement.strip():
        raise RefusalError(BAD_REQUEST, "Empty query")
    settings = {
        name: value
        for name, value in asked.items()
        if name not in _RESERVED and not name.startswith("param_")
    }
    if method == "GET":
        settings.setdefault("readonly", "1")
    return Query(
        statement=statement,
        parameters={
            name.removeprefix("param_"): value
            for name, value in asked.items()
            if name.startswith("param_")
        },
        settings=settings,
        database=asked.get("database"),
        session=asked.get("session_id") or None,
        session_must_be=asked.get("session_check") == "1",
        seconds=float(asked.get("session_timeout", 60)),
    )


def asked_in(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))


def _form(kind: str, body: bytes) -> dict[str, str]:
    parsed = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
    )
    fields = {}
    for part in parsed.iter_parts():
        if part.get_filename():
            raise RefusalError(BAD_REQUEST, "External data is not served here")
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        fields[name] = value.decode() if isinstance(value, bytes) else ""
    return fields


def refusal_of(error: RefusalError) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a refusal."""
    body = f"{error} (version 26.9.2.1)\n".encode()
    return _STATUS.get(error.code, 500), body, {"X-ClickHouse-Exception-Code": str(error.code)}


def headers_of(answer: Answer) -> dict[str, str]:
    """What a response says beside its body."""
    headers = {
        "X-ClickHouse-Summary": json.dumps(answer.summary),
        "X-ClickHouse-Timezone": answer.zone,
        "Content-Type": "text/plain; charset=UTF-8",
    }
    if answer.form is not None:
        headers["X-ClickHouse-Format"] = answer.form
    return headers
