import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api import documents
from chartly.api.documents import parse_documents, plain_scalar
from chartly.errors import SpecError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("on", True),
        ("Yes", True),
        ("no", False),
        ("off", False),
        ("N", False),
        ("true", True),
        ("tRUE", "tRUE"),
        ("2026-02-02", "2026-02-02"),
        ("2026-02-02T12:00:00Z", "2026-02-02T12:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("017", 15),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("0x", "0x"),
        ("0b11", 3),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("1.0", 1),
        (".5", 0.5),
        ("1.0.0", "1.0.0"),
        ("~", None),
        ("null", None),
        ("", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("sales", "sales"),
    ],
)
def test_plain_scalars_are_read_as_kubectl_reads_them(text, value):
    read = plain_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text", ["1e999", "-1e999", "9" * 400 + ".5", "9" * 5000, "-" + "1_" * 1001]
)
def test_a_number_without_end_is_refused(text):
    with pytest.raises(SpecError, match="x.yaml:1: column 4: a number "):
        parse_documents(f"a: {text}", "x.yaml")


def test_what_is_nested_without_end_is_refused():
    with pytest.raises(SpecError, match="not YAML: nested too deep|deeper than 64 levels"):
        parse_documents("a: " + "[" * 3000 + "]" * 3000, "x.yaml")


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN"])
def test_numbers_that_json_cannot_say_are_refused(text):
    with pytest.raises(SpecError, match="f.yaml:1: column 4: .* is not a JSON number"):
        parse_documents(f"a: {text}", "f.yaml")


def test_documents_carry_their_place_and_empty_ones_are_left_out():
    found = parse_documents("---\na: 1\n---\n---\n# nothing\n---\nb: '017'\n", "f.yaml")
    assert [(one.line, one.content) for one in found] == [(2, {"a": 1}), (7, {"b": "017"})]


def test_json_is_yaml():
    found = parse_documents('{"a": [1, "y", null, true]}', "f.json")
    assert found[0].content == {"a": [1, "y", None, True]}


def test_keys_are_text():
    found = parse_documents("2: b\n'on': 1\ntrue: c\n", "f")[0].content
    assert found == {"2": "b", "on": 1, "true": "c"}


@pytest.mark.parametrize(
    ("key", "read"),
    [("on", "true"), ("y", "true"), ("No", "false"), ("017", "15"), ("1e3", "1000")],
)
def test_a_key_that_kubectl_would_send_as_another_must_be_quoted(key, read):
    """INV-5: otherwise one file had two digests."""
    with pytest.raises(SpecError, match=f"the key {key} is read as {read}; quote it"):
        parse_documents(f"a: {{{key}: 1}}", "f")


def test_a_null_is_no_key():
    with pytest.raises(SpecError, match="a key must be text"):
        parse_documents("~: 1", "f")


def test_aliases_are_taken():
    found = parse_documents("a: &x {b: 1}\nc: *x\n", "f")[0].content
    assert found == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1, 2", "f.yaml:1: column 9: not YAML: "),
        ("a: b: c", "not YAML: mapping values are not allowed here"),
        ("a: *x", "found undefined alias"),
        ("a: 1\na: 2\n", "f.yaml:2: column 1: the key 'a' is given twice"),
        ("? [1, 2]\n: 3\n", "a key must be text"),
        ("- 1\n- 2\n", "f.yaml:1: must be an object"),
        ("text", "must be an object"),
        ("a: !!python/object/apply:os.system [true]", "the tag"),
        ("a: !!binary aGk=", "the tag tag:yaml.org,2002:binary is not allowed"),
        ("a: !mine x", "the tag !mine is not allowed"),
        ("b: &b {x: 1}\na:\n  <<: *b\n", "the tag tag:yaml.org,2002:merge is not allowed"),
        ("a: &a [*a]", "is nested deeper than 64 levels"),
        ("\x00", "not YAML: "),
        ("[" * 2000, "not YAML: "),
        ("a: " + "[" * 70 + "]" * 70, "is nested deeper than 64 levels"),
        ("x" * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
    ],
    ids=range(16),
)
def test_bad_text_gets_one_sentence_with_its_place(text, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        parse_documents(text, "f.yaml")
    assert says in caught.value.message
    assert caught.value.message.startswith("f.yaml:")
    assert "\n" not in caught.value.message


def test_a_billion_laughs_are_cut_short(monkeypatch):
    monkeypatch.setattr(documents, "MAX_NODES", 1000)
    lines = ["a0: &a0 [1, 1]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 30)]
    with pytest.raises(SpecError, match="holds more than 1000 values"):
        parse_documents("\n".join(lines), "f")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    with contextlib.suppress(SpecError):
        parse_documents(text, "f")
