"""What is printed: values as the engine spells them, and nothing that steers a terminal."""

import io
import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.errors import Reason, RunError, SpecError
from chartly_cli import __main__ as command_line
from chartly_cli.output import Form, Printer, pairs, table
from chartly_cli.printable import in_json, one_line, printable
from chartly_cli.progress import displayed_progress
from chartly_loader.load_request import Progress
from chartly_store.query_form import parse_result, without_stray_bytes
from support.command import chartly, chartly_json, edit, sales_folder
from support.sales_api import Answer, in_order, pages_of, sale, serving

CANARY = "a\x1b[31mb\x07c\x9b1md\u202ee\rf\x00g\u2028h\u2066i\x7fj\x85k"
BIDI = {"LRM", "RLM", "ALM", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
EVERY = [chr(code) for code in range(0x110000)]


def steers(sign):
    """Whether a terminal does something other than show it, by Unicode's own tables."""
    direction = unicodedata.bidirectional(sign) in BIDI or sign in "\u061c\u200e\u200f"
    return unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or direction


def active(text):
    """What of a text would steer a terminal; the line ends and tabs of a layout do not."""
    return [sign for sign in text if steers(sign) and sign not in "\n\t"]


def test_every_sign_of_unicode_that_steers_is_spelled():
    """Against Unicode's own tables, sign by sign."""
    steering = [sign for sign in EVERY if steers(sign)]
    assert len(steering) > 2000
    assert [sign for sign in steering if one_line(sign) == sign] == []
    assert active(one_line("".join(EVERY))) == []
    assert active(printable("".join(EVERY))) == []
    kept = [sign for sign in EVERY if not steers(sign) and one_line(sign) != sign]
    assert {unicodedata.category(sign) for sign in kept} <= {"Cf", "Cn"}
    assert "".join(map(chr, range(32, 127))) + "äß漢😀\u200d" == one_line(
        "".join(map(chr, range(32, 127))) + "äß漢😀\u200d"
    )


@given(st.text())
def test_a_json_document_says_the_same_without_them(text):
    document = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(in_json(document)) == {text: [text]}
    assert active(in_json(document)) == []


def test_how_they_are_spelled():
    assert one_line("\x1b[0m\n\t\u202e\U000e0041\x9b") == ("\\x1b[0m\\n\\t\\u202e\\U000e0041\\x9b")
    assert printable("a\n\tb\r") == "a\n\tb\\x0d"
    assert without_stray_bytes(b"\xffA\xc3\xa4".decode("utf-8", "surrogateescape")) == "\\xffAä"


# (an expression, as text, as JSON, because)
VALUES = [
    ("toDateTime('2026-02-01 00:00:00', 'UTC')", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "not seconds of an epoch"),
    ("toDateTime('2026-02-01 01:00:00', 'Europe/Berlin')", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "in UTC, whatever the column's zone"),
    ("toDateTime64('1905-06-15 23:59:59.500', 3, 'UTC')", "1905-06-15T23:59:59.5Z", "1905-06-15T23:59:59.5Z", "before the epoch, no empty digits"),
    ("toDateTime64('2026-01-01 00:00:00.123456789', 9, 'UTC')", "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456789Z", "Python's instants end at microseconds"),
    ("toDate('2026-02-01')", "2026-02-01", "2026-02-01", "Date"),
    ("toDate32('1905-06-15')", "1905-06-15", "1905-06-15", "Date32"),
    ("toYear(toDate('2026-02-01'))", "2026", 2026, "no thousands separator in a year"),
    ("toInt256('-57896044618658097711785492504343953926634992332820282019728792003956564819968')", "-" + str(2**255), -(2**255), "not bytes"),
    ("toUInt256('115792089237316195423570985008687907853269984665640564039457584007913129639935')", str(2**256 - 1), 2**256 - 1, "all digits"),
    ("toInt128('170141183460469231731687303715884105727')", str(2**127 - 1), 2**127 - 1, "all digits"),
    ("toUInt64('18446744073709551615')", str(2**64 - 1), 2**64 - 1, "no sign lost"),
    ("toDecimal128('12345678901234567890123456789.123456789', 9)", "12345678901234567890123456789.123456789", "12345678901234567890123456789.123456789", "exact, so text in JSON"),
    ("toDecimal64('7.250', 4)", "7.25", "7.25", "as canonical events have it"),
    ("toDecimal64('-0.5', 2)", "-0.5", "-0.5", "a sign"),
    ("1.5", "1.5", 1.5, "a float"),
    ("toFloat32(0.1)", "0.1", 0.1, "not the nearest double's digits"),
    ("1e300", "1e+300", 1e300, "a float"),
    ("nan", "nan", "nan", "JSON has no NaN"),
    ("0/0", "nan", "nan", "a NaN with a sign"),
    ("[-(0/0), 0/0]", '["nan", "nan"]', ["nan", "nan"], "in an array"),
    ("'-nan'", "-nan", "-nan", "a text"),
    ("inf", "inf", "inf", "JSON has no Infinity"),
    ("-inf", "-inf", "-inf", "JSON has no Infinity"),
    ("[1.5, nan]", '[1.5, "nan"]', [1.5, "nan"], "within others, too"),
    ("true", "true", True, "Bool"),
    ("toUUID('11111111-2222-3333-4444-555555555555')", "11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555", "not bytes"),
    ("CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = 2)')", "b", "b", "its name"),
    ("toIPv4('1.2.3.4')", "1.2.3.4", "1.2.3.4", "not a number"),
    ("toIPv6('::1')", "::1", "::1", "not bytes"),
    ("[toDateTime('2026-02-01 00:00:00', 'UTC')]", '["2026-02-01T00:00:00Z"]', ["2026-02-01T00:00:00Z"], "within an array"),
    ("map('a', 1, 'b', 2)", '{"a": 1, "b": 2}', {"a": 1, "b": 2}, "a map"),
    ("map('a', 1, 'a', 2)", '[["a", 1], ["a", 2]]', [["a", 1], ["a", 2]], "a map that holds a key twice"),
    ("tuple(1, 'x')", '[1, "x"]', [1, "x"], "a tuple"),
    ("CAST((1, 'x'), 'Tuple(n UInt8, t String)')", '{"n": 1, "t": "x"}', {"n": 1, "t": "x"}, "a tuple with names"),
    ("NULL", "NULL", None, "told from the empty text"),
    ("''", "", "", "the empty text"),
    ("CAST(NULL, 'Nullable(DateTime64(3))')", "NULL", None, "no instant"),
    ("toLowCardinality('x')", "x", "x", "LowCardinality"),
    ("CAST('x', 'LowCardinality(Nullable(String))')", "x", "x", "both"),
    ("toFixedString('ab', 3)", "ab\\x00", "ab\x00", "as long as it is"),
    ("unhex('ff41')", "\\xffA", "\\xffA", "bytes that are not UTF-8"),
    ("unhex('1b5b33316d')", "\\x1b[31m", "\x1b[31m", "what steers a terminal"),
    ("unhex('c29b')", "\\x9b", "\x9b", "also of the second set"),
    ("unhex('e280ae')", "\\u202e", "\u202e", "also what turns text around"),
    ("unhex('610a62')", "a\\nb", "a\nb", "a line end within a cell"),
]  # fmt: skip


@pytest.fixture(scope="module")
def shown_values(tmp_path_factory):
    """Each expression through the command, in both forms."""
    place = tmp_path_factory.mktemp("values")
    folder = sales_folder(place / "sales")
    with serving(place, in_order(pages_of([sale(1)], 1))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    # The gate of the command is another test's: what stands between the engine and the eye is this.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chartly_service.query.check_select", lambda sql, _: sql)
        sql = "SELECT " + ", ".join(f"{case[0]} AS c{i}" for i, case in enumerate(VALUES))
        text = {}
        for place_, case in enumerate(VALUES):
            outcome = chartly(folder, "query", f"SELECT {case[0]} AS c")
            text[place_] = (outcome.code, outcome.out.split("\n")[2:-1], outcome.err)
        answer = chartly(folder, "--output", "json", "query", sql)
    assert answer.code == 0, answer
    assert active(answer.out) == []
    return text, answer.document[0]


@pytest.mark.parametrize("place", range(len(VALUES)), ids=[f"{c[0][:30]}" for c in VALUES])
def test_a_value_is_shown_as_the_engine_spells_it(shown_values, place):
    _, text, document, because = VALUES[place]
    texts, documents = shown_values
    assert texts[place] == (0, [text], ""), because
    found = documents[f"c{place}"]
    assert (type(found), found) == (type(document), document), because


def test_two_columns_of_one_name_are_not_one():
    answer = b'["a","a"]\n["UInt8","UInt8"]\n[1,2]\n'
    with pytest.raises(SpecError, match="two columns are named 'a'"):
        parse_result(answer).document()


def test_a_document_never_holds_what_json_does_not_know(capsys):
    with pytest.raises(ValueError, match="JSON"):
        Printer(Form.JSON).result({"a": float("inf")}, "")
    Printer(Form.JSON).result({"a": Decimal("1.5")}, "")
    assert json.loads(capsys.readouterr().out) == {"a": "1.5"}


def test_nothing_that_a_printer_gets_steers_a_terminal(capsys):
    for form in Form:
        printer = Printer(form)
        text = f"{CANARY}\n{table([CANARY], [[CANARY]])}\n{pairs({'a': CANARY})}"
        printer.result({CANARY: CANARY}, text)
        printer.note(CANARY)
    command_line._print_error(CANARY + "\nok    forged line", Reason.CONFIG_INVALID)
    command_line._print_problems(RunError(Reason.CONFIG_INVALID, CANARY))
    seen = capsys.readouterr()
    assert active(seen.out + seen.err) == []
    assert "\\nok    forged line" in seen.err


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_does_not_let_a_title_steer_the_terminal(monkeypatch):
    """Its own escapes move the cursor; none of the title's gets through."""
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with displayed_progress(Printer(Form.TEXT), f"sales {CANARY} [bold]x[/bold]") as on_progress:
        on_progress(Progress(pages=3, read=1, loaded=1, rejected=0, stage=f"load{CANARY}"))
    assert "\x1b[31mb" not in terminal.getvalue()
    assert not {"\x07", "\x9b", "\u202e"} & set(terminal.getvalue())


COMMANDS = [
    ("query", "SELECT * FROM sales_events"),
    ("query", "SELECT reason, message, record FROM sales_events__rejected"),
    ("query", "SELECT currency, total_amount FROM sales_rollup_daily"),
    ("query", f"SELECT 1 AS x WHERE '{CANARY}' = nope"),
    ("rejects", "sales"),
    ("status", "sales"),
    ("doctor",),
    ("audit", "verify"),
    ("audit", "show"),
    ("audit", "show", f"run {CANARY}"),
    ("validate",),
    ("test", "sales"),
    ("conformance",),
    ("conformance", "--update"),
    ("conformance",),
    ("resolve", "sales"),
    ("digest",),
    ("digest", f"storage/{CANARY}@1"),
    ("render",),
    ("init", CANARY),
    ("resolve", CANARY),
    ("run", CANARY),
    ("run", "sales", "--window", CANARY, CANARY),
    ("run", "sales", "--connect-to", CANARY),
    ("run", "sales", "--max-memory", CANARY),
    ("deprecate", "storage/sales-events@1.0.0", "--because", CANARY),
    ("teardown", "sales"),
    ("teardown", "sales", "--yes"),
]


@pytest.fixture
def poisoned(tmp_path):
    """A domain whose API and files say the canary wherever they say anything."""
    folder = sales_folder(tmp_path / "sales")
    yamled = json.dumps(CANARY)
    for path in sorted((folder / "profiles").iterdir()):
        edit(path, "  owners:", f"  annotations: {{other: {yamled}}}\n  owners:")
        text = path.read_text()
        start = text.index("  description:")
        end = text.index("\n", start)
        path.write_text(f"{text[:start]}  description: {yamled}{text[end:]}")
    records = [{**sale(n), "customer": {"id": CANARY + str(n)}} for n in range(3)]
    records[1]["totals"] = {"amount": CANARY, "currency": CANARY}
    records[2]["totals"]["currency"] = CANARY
    records[2]["id"] = CANARY
    (folder / "fixtures" / "sales.sample.json").write_text(json.dumps(records[2]))
    with serving(tmp_path, in_order(pages_of(records, 2))) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    assert outcome.code == 0, outcome
    assert active(outcome.out + outcome.err) == []
    return folder


def test_nothing_that_an_api_or_a_file_says_steers_the_terminal(poisoned):
    """A canary of ESC, BEL, CSI, CR and bidi in every field that can hold one."""
    seen = ""
    for command in COMMANDS:
        for form in ("text", "json"):
            outcome = chartly(poisoned, "--output", form, *command)
            assert active(outcome.out + outcome.err) == [], (command, form)
            assert "InternalError" not in outcome.err, (command, outcome.err)
            seen += outcome.out
    assert seen.count("\\x1b[31m") > 3
    assert seen.count("\\u001b[31m") > 3


BROKEN = [
    ("profiles/storage-sales-events@1.0.0.yaml", "dataset: sales-events", f"dataset: {json.dumps(CANARY)}"),
    ("profiles/storage-sales-events@1.0.0.yaml", "retentionDays", json.dumps(CANARY)),
    ("profiles/normalizer-sales-default@1.0.0.yaml", '"$.id"', json.dumps("$[" + CANARY)),
    ("profiles/normalizer-sales-default@1.0.0.yaml", "toNumber", json.dumps(CANARY)),
    ("profiles/connector-sales-http@1.0.0.yaml", "cursor\n", json.dumps(CANARY) + "\n"),
    ("profiles/analytics-sales-daily-rollup@1.0.0.yaml", "currency", "currency\u202e\u2066"),
    ("workflows/sales-onboard@1.0.0.yaml", "kind: Workflow", f"kind: {json.dumps(CANARY)}"),
    ("workflows/sales-onboard@1.0.0.yaml", "domain: sales", f"domain: {json.dumps(CANARY)}"),
    ("workflows/sales-onboard@1.0.0.yaml", "type: normalize", f"type: {json.dumps(CANARY)}"),
    ("workflows/sales-onboard@1.0.0.yaml", "storage/sales-events@1.0.0", json.dumps("storage/" + CANARY)[1:-1]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new"), BROKEN)
def test_a_sentence_that_quotes_a_value_does_not_steer_the_terminal(tmp_path, path, old, new):
    folder = sales_folder(tmp_path / "sales", {path: (old, new)})
    for command in (("validate",), ("doctor",), ("run", "sales"), ("status", "sales")):
        outcome = chartly(folder, *command)
        assert active(outcome.out + outcome.err) == [], command
        assert "InternalError" not in outcome.err, outcome.err


ANSWERS = [
    Answer(json.dumps({"error": CANARY, CANARY: CANARY}).encode(), 500),
    Answer(CANARY.encode(), 200),
    Answer(json.dumps({CANARY: 1}).encode(), 200),
    Answer(json.dumps({"data": CANARY}).encode(), 200),
    Answer(json.dumps({"data": [sale(1)], "next_cursor": {CANARY: 1}}).encode(), 200),
    Answer(json.dumps({"data": [sale(1)], "next_cursor": CANARY}).encode(), 200),
    Answer(b"[]", 302, {"Location": "https://other.example.invalid/%1b[31m\xc2\x9b"}),
    Answer(b"{}", 401, {"WWW-Authenticate": "x\x1b[31m\x07"}),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=[str(n) for n in range(len(ANSWERS))])
def test_an_answer_that_fails_a_run_does_not_steer_the_terminal(tmp_path, answer):
    folder = sales_folder(tmp_path / "sales")
    edit(folder / "profiles/connector-sales-http@1.0.0.yaml", "maxAttempts: 3", "maxAttempts: 1")
    with serving(tmp_path, lambda _number, _asked: answer) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    assert outcome.code != 0, outcome
    assert active(outcome.out + outcome.err) == []
    log = next(folder.glob(".chartly/runs/*/connector.log")).read_text(encoding="utf-8")
    assert active(log) == []
