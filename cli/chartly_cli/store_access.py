"""Reads the server and its user from the options of the store, or from their variables."""

import os
from pathlib import Path

from chartly.api.place import Place
from chartly_cli.pem import read_certificates
from chartly_cli.store_options import (
    CACERT_VARIABLE,
    PASSWORD_FILE_VARIABLE,
    URL_VARIABLE,
    USER_VARIABLE,
    StoreOptions,
)
from chartly_folder.read_failure import cause
from chartly_store.access import Access, parse_server_url, port_of

_DEFAULT_USER = "default"
"""Of every server that was just installed; its password is empty."""
_Given = tuple[str, str]
"""The name of an option or variable, and its value."""


def read_access_options(options: StoreOptions) -> Access | None:
    """The server that is used; None where nothing names one.

    Raises:
        SpecError: a value is empty or not usable, or belongs to a server that is not named.
    """
    url = _given("--store-url", options.url, URL_VARIABLE)
    user = _given("--store-user", options.user, USER_VARIABLE)
    password = _given("--store-password-file", options.password_file, PASSWORD_FILE_VARIABLE)
    cacert = _given("--store-cacert", options.cacert, CACERT_VARIABLE)
    if url is None:
        alone = next((given for given in (user, password, cacert) if given is not None), None)
        if alone is not None:
            why = f"names no server; give --store-url or {URL_VARIABLE}, too"
            raise Place(object=alone[0]).refusal(why)
        return None
    try:
        address = parse_server_url(url[1])
    except ValueError as error:
        raise Place(object=url[0]).refusal(str(error)) from None
    return Access(
        scheme=address.scheme,
        host=str(address.hostname),
        port=port_of(address),
        username=_DEFAULT_USER if user is None else _printable(user),
        password="" if password is None else _first_line(password),
        authority=None if cacert is None else _authority(cacert, address.scheme),
    )


def _given(option: str, value: str | None, variable: str) -> _Given | None:
    name, text = (variable, os.environ.get(variable)) if value is None else (option, value)
    if text is not None and not text.strip():
        raise Place(object=name).refusal("is empty; give it a value, or leave it out")
    return None if text is None else (name, text)


def _printable(given: _Given) -> str:
    if not given[1].isprintable():
        raise Place(object=given[0]).refusal("holds control characters", value=given[1])
    return given[1]


def _first_line(given: _Given) -> str:
    name, path = given
    place = Place(object=f"{name} {path}")
    try:
        line = Path(path).read_text(encoding="utf-8").partition("\n")[0].removesuffix("\r")
    except OSError as error:
        raise place.refusal(cause(error)) from None
    except UnicodeDecodeError:
        raise place.refusal("is not text in UTF-8") from None
    if not line or not line.isprintable():
        raise place.refusal("its first line is empty or holds control characters")
    return line


def _authority(given: _Given, scheme: str) -> Path:
    if scheme != "https":
        place = Place(object=f"{given[0]} {given[1]}")
        raise place.refusal("an http URL has no certificate to check")
    path = Path(given[1])
    read_certificates(path, given[0])
    return path
