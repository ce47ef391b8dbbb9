# ruff: noqa: RUF001 - typographic quotes are what is tried
"""Both SQL gates over hostile texts, with the engine's own reading as the judge: INV-8."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartly.api.place import Place
from chartly.api.profile import parse_profile
from chartly.errors import RunError, SpecError
from chartly.query.adhoc_query import check_select
from chartly.query.functions import CALLED_WITHOUT_BRACKETS
from chartly.query.harmless import HARMLESS
from chartly.query.lexer import tokens
from chartly.query.rollup_query import INSTANT, check_query
from chartly.query.sql_reader import read
from chartly.query.vocabulary import IN_FUNCTIONS, TAKE_LAMBDAS
from chartly_store.stored_project import READ_ONLY
from support.engine_reading import reading_of
from support.hostile_sql import ALIKE, ROWS, TABLES
from support.profiles import changed, playbook_profile

HERE = Place(object="here")
SECRET = "canary-7f3a"
CALLABLE = HARMLESS.aggregates | HARMLESS.scalars
WINDOW = {"window_start": "2026-01-01 00:00:00.000", "window_end": "2026-02-01 00:00:00.000"}
IDS = [f"{number} {row.because}" for number, row in enumerate(ROWS)]


@pytest.fixture(scope="module")
def store(engine, tmp_path_factory):
    """An engine with a project's tables, tables of others, and a secret in a file."""
    token = tmp_path_factory.mktemp("secrets") / "token"
    token.write_text(SECRET)
    columns = f"(k String, n Int32, at {INSTANT})"
    engine.command("CREATE DATABASE IF NOT EXISTS other")
    for name in (*sorted(TABLES), "secrets", "big", "other.people", "other.x"):
        engine.command(f"CREATE TABLE {name} {columns} ENGINE = MergeTree ORDER BY k")
    for name in sorted(TABLES):
        engine.command(f"INSERT INTO {name} VALUES ('a', 1, '2026-01-02 00:00:00'), ('b', 2, 0)")
    engine.token = str(token)
    return engine


def _reads(text):
    """The tokens of a text; none if it has none that can be told."""
    try:
        return tokens(text, HERE)
    except SpecError:
        return []


def _is_read(text):
    return not _message(lambda: read(text, HERE))


def _rollup(text):
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    return check_query(parse_profile(profile).spec)


def _message(check):
    try:
        check()
    except SpecError as error:
        return error.message
    return ""


def _is_explained(store, text):
    """How the engine reads a text; None where it cannot."""
    try:
        rows = store.rows(f"EXPLAIN AST {text}")
    except (RunError, UnicodeEncodeError):
        return None
    return reading_of([str(row[0]) for row in rows])


def test_there_are_many_texts_and_each_is_another():
    assert len(ROWS) >= 200
    assert len({row.text for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_each_gate_lets_through_what_it_should(row):
    refusals = {
        "rollup": _message(lambda: _rollup(row.rollup)),
        "query": _message(lambda: check_select(row.query, TABLES)),
    }
    passed = [name for name, message in refusals.items() if not message]
    expected = {"nothing": [], "both": ["rollup", "query"]}.get(row.passes, [row.passes])
    assert passed == expected, refusals
    assert all("\n" not in message for message in refusals.values())


@pytest.mark.parametrize("row", [row for row in ROWS if row.passes != "nothing"])
def test_what_is_read_is_known_and_the_engine_reads_the_same(store, row):
    text = check_select(row.query, TABLES)
    relations = {one.name for one in read(text, HERE).relations}
    assert relations == {*row.reads, "people"}
    assert _is_explained(store, text).tables == relations
    store.arrow(f"SELECT * FROM ({text}\n) LIMIT 3", settings=READ_ONLY)


def _plain(shown):
    """A relation as the engine calls it."""
    if shown[-1] in '`"':
        return shown.replace("`", "").replace('"', "")
    name, bracket, _ = shown.replace("`", "").replace('"', "").partition("(")
    return f"{name.lower()}()" if bracket else name


def _agrees(store, text):
    """Whether what the reader found holds all that the engine finds, where both can read it."""
    try:
        ours = read(text, HERE)
    except SpecError:
        return
    theirs = _is_explained(store, text)
    if theirs is None:
        return
    assert theirs.tables <= {_plain(one.label) for one in ours.relations}, text
    assert theirs.functions <= {call.name.lower() for call in ours.calls}, text


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_no_text_is_read_in_two_ways(store, row):
    """Whatever a policy says: a table that the engine finds is one that the reader found."""
    _agrees(store, row.query)


PIECES = sorted({token.text for row in ROWS for token in _reads(row.query)})
SOURCES = [row.query for row in ROWS if _is_read(row.query)]
SOURCES += [text.replace("@", "people").replace("&", "n > 0") for text in ALIKE]


@settings(
    deadline=None,
    max_examples=400,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_text_near_these_is_read_in_two_ways(store, data):
    """Tokens are left out, put in, and swapped between texts."""
    words = [token.text for token in tokens(data.draw(st.sampled_from(SOURCES)), HERE)]
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(words) - 1))
        change = data.draw(st.sampled_from(["drop", "put", "replace", "splice"]))
        if change == "splice":
            other = [token.text for token in tokens(data.draw(st.sampled_from(SOURCES)), HERE)]
            start = data.draw(st.integers(0, len(other) - 1))
            words[position:position] = other[start : start + data.draw(st.integers(1, 8))]
        elif change == "drop" and len(words) > 1:
            del words[position]
        else:
            piece = data.draw(st.sampled_from(PIECES))
            words[position : position + (change == "replace")] = [piece]
    _agrees(store, " ".join(words))


@pytest.mark.parametrize("text", ALIKE)
def test_what_people_write_runs_as_it_was_checked(store, text):
    asked = check_select(text.replace("@", "people").replace("&", "n > 0"), TABLES)
    store.arrow(f"SELECT * FROM ({asked}\n) LIMIT 9", settings=READ_ONLY)
    edges = "at >= {{window_start}} AND at < {{window_end}}"
    checked = _rollup(text.replace("@", "{{dataset}}").replace("&", edges))
    found = store.arrow(checked.sql("`people`"), WINDOW, READ_ONLY)
    assert tuple(found.column_names) == checked.columns


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ‘||'’, * FROM file(‘{}’, ‘LineAsString’) ORDER BY ‘'’",
        "SELECT * FROM file('{}', 'LineAsString')",
        "SELECT * FROM url('file://{}', 'LineAsString')",
        "SELECT * FROM merge('other', '.*') AS m, file('{}', 'LineAsString') AS f",
    ],
)
def test_behind_the_gate_the_engine_itself_reads_no_file_as_a_table(store, text):
    """The second line: read-only as it is asked to be, the embedded engine has no such source."""
    with pytest.raises(RunError, match="READONLY"):
        store.arrow(text.replace("{}", store.token), settings=READ_ONLY)
    assert "n" in store.arrow("SELECT n FROM people", settings=READ_ONLY).column_names


def _names(store, condition):
    return {
        str(row[0]) for row in store.rows(f"SELECT name FROM system.functions WHERE {condition}")
    }


def test_no_function_that_makes_rows_may_be_called(store):
    made = {str(row[0]).lower() for row in store.rows("SELECT name FROM system.table_functions")}
    # As a value it only puts text together; as a table it is refused like any other.
    assert made & CALLABLE == {"format"}


def test_every_function_that_calls_another_by_name_is_known(store):
    """To the engine, a bare name in first place may be a function."""
    callers = set()
    for name in _names(store, "NOT is_aggregate"):
        if name.lower() not in CALLABLE:
            continue
        for arguments in ("lower, ['a']", "plus, 1, 2", "lower, map('a', 'b')"):
            try:
                store.rows(f"EXPLAIN QUERY TREE SELECT `{name}`({arguments})")
            except RunError as error:
                if "UNKNOWN_IDENTIFIER" in error.message or "Unknown expr" in error.message:
                    continue
            callers.add(name.lower())
    assert callers - {"cast"} <= TAKE_LAMBDAS
    assert "arraymap" in callers


def test_every_function_that_is_called_without_brackets_is_known(store):
    """A dataset may have a column of one of the last three names."""
    bare = set()
    for name in _names(store, "match(name, '^[A-Za-z_0-9]+$')"):
        try:
            store.rows(f"SELECT `{name}`")
        except RunError:
            continue
        bare.add(name.lower())
    others = {"user", "database", "schema"}
    assert bare - CALLED_WITHOUT_BRACKETS - others <= {"currenthandler", "currentrequesturl"}


def test_the_functions_behind_in_are_known(store):
    found = {
        name.lower() for name in _names(store, "name ILIKE '%in' OR name ILIKE '%inIgnoreSet'")
    }
    behind = set()
    for name in found:
        try:
            store.rows(f"EXPLAIN QUERY TREE SELECT `{name}`('a', other.people)")
        except RunError as error:
            if "UNKNOWN_IDENTIFIER" in error.message or "UNKNOWN_FUNCTION" in error.message:
                continue
        behind.add(name)
    assert behind & CALLABLE <= IN_FUNCTIONS
