"""What an API makes of a credential that it sends back, and what is kept of it (INV-6)."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.egress.credential_echo import SHORTEST, Echo, echo_of
from chartly.errors import Reason, RunError

CANARY = "canary-3c9e1f77aa"
ODD = 'can/ary+7="a\\b c~%d'
TOKENS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=SHORTEST, max_size=40)  # fmt: skip


def every_byte(value, form):
    return "".join(form.format(byte) for byte in value.encode())


SPELLINGS = [
    ("as it is", lambda value: value),
    ("in upper case", str.upper),
    ("in lower case", str.lower),
    ("with other letters great", str.swapcase),
    ("percent-encoded", lambda value: quote(value, safe="")),
    ("percent-encoded with small letters", lambda value: quote(value, safe="").lower()),
    ("percent-encoded as a path", quote),
    ("as a form has it", quote_plus),
    ("percent-encoded twice", lambda value: quote(quote(value, safe=""), safe="")),
    ("each byte percent-encoded", lambda value: every_byte(value, "%{:02X}")),
    ("in hexadecimal", lambda value: every_byte(value, "{:02x}")),
    ("in base64", lambda value: b64encode(value.encode()).decode()),
    ("in base64 behind a user", lambda value: b64encode(f"user:{value}".encode()).decode()),
    ("in base64 behind a scheme", lambda value: b64encode(f"Bearer {value}".encode()).decode()),
    ("in base64 amid others", lambda value: b64encode(f"ab{value}cd".encode()).decode()),
    ("in base64 for URLs", lambda value: urlsafe_b64encode(f"u:{value}".encode()).decode()),
]


@pytest.mark.parametrize(("because", "spelled"), SPELLINGS, ids=[name for name, _ in SPELLINGS])
@pytest.mark.parametrize("value", [CANARY, ODD, "0123456789", "a" * 8])
def test_inv_6_every_spelling_is_replaced_and_the_page_stays_json(because, spelled, value):
    echo = Echo(value)
    text = f"see {spelled(value)}!"
    for page in (json.dumps({"a": [text], "b": 1}), json.dumps({text: None}, indent=1)):
        found = echo.hidden(page.encode())
        assert found.count == 1, because
        assert json.loads(found.content)
        assert spelled(value) not in str(json.loads(found.content))
    assert spelled(value) not in echo.redacted(text)


@pytest.mark.parametrize(
    "escaped",
    [
        every_byte(CANARY, "\\u{:04x}"),
        every_byte(CANARY, "\\u{:04X}"),
        CANARY.replace("-", "\\u002D"),
    ],
)
def test_inv_6_escapes_of_json_are_no_hiding_place(escaped):
    found = Echo(CANARY).hidden(f'{{"a": "x{escaped}y"}}'.encode())
    assert json.loads(found.content) == {"a": "x__credential_plain__y"}


@pytest.mark.parametrize(
    ("value", "page", "kept"),
    [
        ("network-key1", '{"a": "x\\network-key1"}', '{"a": "x\\network-key1"}'),
        ("network-key1", '{"a": "x\\\\network-key1"}', '{"a": "x\\\\__credential_plain__"}'),
        ("e9abcdef", '{"a": "\\u00e9abcdef"}', '{"a": "\\u00e9abcdef"}'),
        ("e9abcdef", '{"a": "\\\\u00e9abcdef"}', '{"a": "\\\\u00__credential_plain__"}'),
        ("abcd1234", '{"a": "\\u00e9abcd1234"}', '{"a": "\\u00e9__credential_plain__"}'),
        ("/a/b/c/d/e", '{"a": "\\/a\\/b\\/c\\/d\\/e"}', '{"a": "__credential_plain__"}'),
    ],
)
def test_a_mark_is_never_put_into_an_escape(value, page, kept):
    assert Echo(value).hidden(page.encode()).content.decode() == kept
    json.loads(kept)


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ('{"a": 12345678}', {"a": "__credential_plain__"}),
        ("[12345678,12345678]", ["__credential_plain__"] * 2),
        ('{"a": "12345678"}', {"a": "__credential_plain__"}),
        ('{"a": "\\" 12345678", "b": 1}', {"a": '" __credential_plain__', "b": 1}),
        ('{"a": 912345678, "b": 12345678.5}', {"a": 912345678, "b": 12345678.5}),
        ('{"a": "x", "b": [1, 2]}', {"a": "x", "b": [1, 2]}),
    ],
)
def test_a_credential_of_digits_that_comes_as_a_number(page, kept):
    assert json.loads(Echo("12345678").hidden(page.encode()).content) == kept


def test_what_is_not_there_costs_no_copy():
    page = json.dumps({"a": "canary-3c9e1f77ab", "b": "\u00e9"}).encode()
    for echo in (Echo(CANARY), Echo(None)):
        found = echo.hidden(page)
        assert (found.content is page, found.count) == (True, 0)


def test_one_credential_is_prepared_once():
    assert echo_of(CANARY) is echo_of(CANARY)
    assert echo_of(None).hidden(CANARY.encode()).count == 0


def test_a_short_credential_is_not_looked_for_in_pages_but_never_printed():
    echo = Echo("a1b2c3d")
    page = b'{"a": "a1b2c3d"}'
    assert echo.hidden(page).content is page
    assert echo.marked("/a1b2c3d") == "/a1b2c3d"
    assert not echo.occurs_in("/a1b2c3d")
    assert echo.redacted("with a1b2c3d") == "with ***"
    assert Echo(None).redacted("text") == "text"


def test_inv_6_texts_for_people_have_stars():
    echo = Echo(ODD)
    assert echo.redacted("see __credential_plain__") == "see ***"
    assert (
        echo.redacted(f"{ODD.upper()}, {ODD}, {quote(ODD, safe='')}, \ud800")
        == "***, ***, ***, \ud800"
    )


@pytest.mark.parametrize(
    "spelled", [spelled for _, spelled in SPELLINGS if spelled is not str.swapcase]
)
@pytest.mark.parametrize("value", [CANARY, ODD])
def test_a_token_is_restored_as_it_was(spelled, value):
    """Where a mark names its spelling; the others are told, and never sent in part."""
    echo = Echo(value)
    token = f"p2.{spelled(value)}.x"
    kept = json.loads(echo.hidden(json.dumps({"next": token}).encode()).content)["next"]
    assert kept != token
    if "other" in kept:
        with pytest.raises(RunError, match="in a spelling that cannot be sent on") as caught:
            echo.restored(kept)
        assert caught.value.reason is Reason.SECRET_ORIGIN_REFUSED
    else:
        assert echo.restored(kept) == token


def test_most_spellings_can_be_restored():
    echo = Echo(CANARY)
    kept = [echo.marked(f"/p2?t={spelled(CANARY)}") for _, spelled in SPELLINGS]
    assert len([one for one in kept if "other" in one]) == 1
    assert echo.restored(kept[0]) == f"/p2?t={CANARY}"


def test_inv_6_marks_that_an_api_writes_itself_become_no_credential():
    echo = Echo(CANARY)
    page = b'{"next": "https://a/?x=__credential_plain__"}'
    kept = json.loads(echo.hidden(page).content)["next"]
    assert kept == "https://a/?x=__credential_other__"
    assert echo.marked("/x/__credential_plain__") == "/x/__credential_other__"
    with pytest.raises(RunError):
        echo.restored(kept)


@given(value=TOKENS, before=st.text(max_size=8), after=st.text(max_size=8))
def test_inv_6_no_token_in_any_text_is_kept(value, before, after):
    text = f"{before} {value} {after}"
    for page in (json.dumps([text]), json.dumps([text], ensure_ascii=False)):
        found = Echo(value).hidden(page.encode("utf-8", "surrogatepass"))
        assert found.count >= 1
        kept = json.loads(found.content.decode("utf-8", "surrogatepass"))[0]
        assert value not in re.sub("__credential_[a-z0-9_]+__", "", kept)


@given(value=TOKENS)
def test_inv_6_no_token_in_any_query_is_kept(value):
    echo = Echo(value)
    url = f"/items?token={quote_plus(value)}&n=1"
    marked = echo.marked(url)
    assert echo.occurs_in(url)
    assert value not in unquote_plus(marked).replace("__credential", "")
    assert echo.restored(marked) == url
