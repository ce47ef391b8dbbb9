"""What an engine says of a query before there is an event."""

from contextlib import nullcontext

import pytest

from chartly.api.place import Place
from chartly.api.profile import parse_profile
from chartly.errors import Reason, RunError, SpecError
from chartly.query.exact import exact_query
from chartly.query.rollup_query import INSTANT, check_query
from chartly_store.computation import Computation
from chartly_store.explanation import explain, of_query
from support.hostile_sql import ALIKE
from support.profiles import changed, playbook_profile

HERE = Place(object="here")

TYPES = {"k": "String", "n": "Int32", "at": INSTANT, "event_key": "String"}
EDGES = "at >= {{window_start}} AND at < {{window_end}}"
WINDOW = {"window_start": "2026-01-01 00:00:00.000", "window_end": "2026-02-01 00:00:00.000"}


def _spec(text):
    text = text.replace("@", "{{dataset}}").replace("&", EDGES)
    return parse_profile(
        changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    ).spec


@pytest.fixture(scope="module")
def views(engine):
    """A dataset without events, and one with some."""
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    for name in ("nothing", "some"):
        engine.command(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY k")
    engine.command("INSERT INTO some VALUES ('a', 1, '2026-01-02 00:00:00', 'x'), ('b', 2, 0, 'y')")
    return engine


REFUSED = [
    ("SELECT sum(k) AS a FROM @ WHERE &", "Illegal type String of argument for aggregate function sum; column 'k'", "text is no number"),
    ("SELECT nn AS a FROM @ WHERE &", "nn", "a column that is not there"),
    ("SELECT (1 AS k) AS a, k + n AS b, n AS c, count() AS d FROM @ WHERE &", "n", "outside GROUP BY"),
    ("SELECT toStartOfDay(k) AS a FROM @ WHERE &", "toStartOfDay; column 'k'", "text is no time"),
    ("SELECT sum(count()) AS a FROM @ WHERE &", "inside another aggregate function", "one in the other"),
    ("SELECT k AS a FROM @ WHERE & UNION ALL SELECT k AS a, n AS b FROM @ WHERE &", "UNION", "of other columns"),
    ("SELECT substring(k) AS a FROM @ WHERE &", "it is not SQL that the store can read", "words of SQL in place of a call"),
    ("SELECT length(n) AS a FROM @ WHERE &", "length; column 'n'", "a number has no length"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says", "because"), REFUSED)
def test_what_an_engine_refuses_is_one_sentence(views, text, says, because):
    with pytest.raises(SpecError) as caught:
        explain(views, _spec(text), TYPES, Place(object="analytics/a@1.0.0"))
    message = caught.value.message
    assert message.startswith("analytics/a@1.0.0: the query cannot run: "), because
    assert says.lower() in message.lower()
    assert "DB::Exception" not in message
    assert "\n" not in message
    with pytest.raises(SpecError) as again:
        Computation(views, _spec(text), "`nothing`", "at").check(Place(object="analytics/a@1.0.0"))
    assert again.value.reason is Reason.CONFIG_INVALID


@pytest.mark.parametrize(
    ("declared", "fits"),
    [
        ({"k": "String", "n": "Int64", "t": "Timestamp"}, True),
        ({"k": "String", "n": "Decimal(18,2)", "t": "Timestamp"}, True),
        ({"k": "Int64", "n": "Int64", "t": "Timestamp"}, False),
        ({"k": "String", "n": "Timestamp", "t": "Timestamp"}, False),
        ({"k": "String", "n": "Int64", "t": "Bool"}, False),
    ],
)
def test_types_that_never_become_what_is_declared_are_refused_before_a_run(views, declared, fits):
    text = f"SELECT k, count() AS n, max(at) AS t FROM {{{{dataset}}}} WHERE {EDGES} GROUP BY k"
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    spec = parse_profile(changed(profile, "spec.outputs.columns", declared)).spec
    for check in (
        lambda: explain(views, spec, TYPES, HERE),
        lambda: Computation(views, spec, "`nothing`", "at").check(HERE),
    ):
        with nullcontext() if fits else pytest.raises(SpecError, match="never becomes"):
            check()


@pytest.mark.parametrize("text", ALIKE)
def test_what_is_let_through_runs_over_nothing_and_over_something(views, text):
    spec = _spec(text)
    try:
        query = exact_query(spec, TYPES)
    except SpecError:
        return
    explain(views, spec, TYPES, HERE)
    for name in ("nothing", "some"):
        Computation(views, spec, f"`{name}`", "at").check(HERE)
        assert tuple(views.arrow(query.sql(f"`{name}`"), WINDOW).column_names) == query.columns


def test_what_is_no_refusal_of_a_query_stays_what_it_is():
    query = check_query(_spec("SELECT n AS a FROM @ WHERE &"))
    for said in ("the store refused: Code: 241. DB::Exception: memory", "nobody answers"):
        error = RunError(Reason.STORE_UNAVAILABLE, said)
        assert of_query(error, query, TYPES, HERE) is error
