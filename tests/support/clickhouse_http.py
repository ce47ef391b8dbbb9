"""What a proxy reads of ClickHouse's HTTP protocol: the statement and the user of a request."""

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import lz4.frame  # type: ignore[import-untyped]  # it has none

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from backports import zstd

# What follows the name of the format, up to one line break, is not data yet.
_INSERT = re.compile(
    rb"\s*INSERT\s+INTO\s[^;]*?\sFORMAT\s+(?!Values\b)\w+[ \t]*\r?\n", re.IGNORECASE
)


def statement_of(url: str, headers: Mapping[str, str], body: bytes) -> str:
    """The statement of a request without the data of an insert, which may hold any bytes.

    Args:
        headers: by their names in lower case.
    """
    asked = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    kind = headers.get("content-type", "")
    body = _decompressed(body, headers.get("content-encoding", ""))
    if kind.startswith("multipart/form-data"):
        asked, body = asked | _form(kind, body), b""
    statement = b"\n".join(part for part in (asked.get("query", "").encode(), body) if part)
    insert = _INSERT.match(statement)
    return (statement[: insert.end()] if insert else statement).decode("utf-8", "replace")


def credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """The user and password that a request brings by HTTP's Basic scheme; else empty ones."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def refusal(code: int, text: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a refusal."""
    body = f"Code: {code}. DB::Exception: {text}\n".encode()
    return 500, body, {"X-ClickHouse-Exception-Code": str(code)}


def _decompressed(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "lz4":
            return bytes(lz4.frame.decompress(body))
        case "zstd":
            return bytes(zstd.decompress(body))
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case _:
            return body


def _form(kind: str, body: bytes) -> dict[str, str]:
    head = b"Content-Type: " + kind.encode() + b"\r\n\r\n"
    fields = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        fields[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
    return fields
