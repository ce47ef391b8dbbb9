"""What a request may be made of: every text, by what is wrong with it."""

import re

import pytest

from chartly.api.request import (
    HEADER_NAME_MESSAGE,
    HEADER_VALUE_MESSAGE,
    OWN_HEADER_MESSAGE,
    PATH_MESSAGE,
    PORT_FORM,
    check_header_names,
    check_header_value,
    check_path,
)


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "//a", "/v1/a:batch@b,c;d='()*!$&+=%20~", '/"<>[]^`{|}']
)
def test_a_path_begins_with_a_slash(path):
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "sales", "@evil.invalid", ":8443/x", "user:x@evil.invalid/", ".evil.invalid", " /a", "?a", "#a", "\\a",
        "/a b", "/a?b", "/a#b", "/a\\b", "/a\n", "/a\r\nX: 1", "/\t", "/\x00", "/\x7f", "/\xe4", "/\u2028", "/\ud800",
    ],
)  # fmt: skip
def test_a_path_that_would_move_the_host_or_cannot_be_sent_is_refused(path):
    with pytest.raises(ValueError, match=re.escape(PATH_MESSAGE)):
        check_path(path)


def test_a_port_is_from_1_to_65535():
    fits = re.compile(PORT_FORM)
    assert [port for port in range(100_000) if fits.fullmatch(str(port))] == [*range(1, 65_536)]
    assert fits.fullmatch("0443")
    assert not fits.fullmatch("00000")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((name, HEADER_NAME_MESSAGE) for name in ["", "X Y", "X:", "X\n", "(x)", "X\xe4", "X@Y", "\x00", "X/Y", "X\r\nY"]),
        *(
            (name, OWN_HEADER_MESSAGE)
            for name in [
                "Host", "HOST", "host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "te",
                "Trailer", "Expect", "HTTP2-Settings", "Proxy-Connection", "proxy-authenticate",
            ]
        ),
    ],
)  # fmt: skip
def test_a_header_s_name(name, says):
    with pytest.raises(ValueError, match=re.escape(f"{name!r} {says}")):
        check_header_names(["Accept", name])


def test_other_headers_are_taken():
    check_header_names(
        ["Accept", "X-A!#$%&'*+.^_`|~9", "Hostname", "Content-Type", "TEX", "If-None-Match"]
    )


@pytest.mark.parametrize("value", ["", "a", "a b", "a\tb", "a" * 8192, '"quoted"; q=0.5', "~!"])
def test_a_header_s_value(value):
    check_header_value(value)


@pytest.mark.parametrize(
    "value",
    [" a", "a ", "\ta", "a\n", "a\r\nX-Evil: 1", "\n", " ", "a\x00b", "a\x7f", "\xe4", "caf\xe9", "\u2028", "a\x0bb", "\ud800"],
)  # fmt: skip
def test_a_value_that_no_header_may_have_is_refused(value):
    with pytest.raises(ValueError, match=f"^{HEADER_VALUE_MESSAGE}$"):
        check_header_value(value)
