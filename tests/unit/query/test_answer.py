"""What can be told of a query's rows before any engine sees it."""

import pytest

from chartly.api.place import Place
from chartly.api.profile import parse_profile
from chartly.errors import SpecError
from chartly.plan.plan_check import check_alone
from chartly.query.column_scope import check_columns
from chartly.query.rollup_query import check_query, read_template
from chartly.query.ties import check_ties
from chartly.query.window_edges import check_edges
from support.hostile_sql import ALIKE
from support.profiles import changed, playbook_profile

HERE = Place(object="here")

COLUMNS = ("k", "n", "at", "event_key")
EDGES = "at >= {{window_start}} AND at < {{window_end}}"


def _check(text):
    """The sentence that refuses a text; none if nothing does."""
    text = text.replace("@", "{{dataset}}").replace("&", EDGES)
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    try:
        reading = read_template(check_query(parse_profile(profile).spec).text)
        check_edges(reading, "at", HERE)
        check_ties(reading, HERE)
        check_columns(reading, COLUMNS, HERE)
    except SpecError as error:
        return error.message
    return ""


KEYS = "SELECT k AS a, count() AS c FROM @ WHERE & GROUP BY k ORDER BY"


@pytest.mark.parametrize(
    ("text", "says", "because"),
    [
        ("SELECT count() AS c FROM @ WHERE at BETWEEN {{window_start}} AND {{window_end}}", "at: BETWEEN counts {{window_end}} in", "both edges"),
        ("SELECT countIf(n BETWEEN 1 AND 2) AS c FROM @ WHERE at >= {{window_start}} AND at <= {{window_end}}", "at: a comparison counts {{window_end}} in", "closed"),
        ("SELECT count() AS c FROM @ WHERE at >= {{window_start}} AND {{window_end}} >= at", "at: a comparison counts {{window_end}} in", "the other way round"),
        ("SELECT count() AS c FROM @ WHERE at > {{window_start}} AND at < {{window_end}}", "at: a comparison leaves {{window_start}} out", "an open start"),
        ("SELECT count() AS c FROM @ WHERE {{window_start}} < at AND at < {{window_end}}", "at: a comparison leaves {{window_start}} out", "the same, turned"),
        (f"{KEYS} c DESC LIMIT 3", "add 'k' to ORDER BY", "groups with the same count"),
        (f"{KEYS} c DESC LIMIT 3 OFFSET 2", "ORDER BY with LIMIT", "and an offset"),
        ("SELECT DISTINCT ON (k) k AS a, n AS b FROM @ WHERE &", "DISTINCT ON without ORDER BY", "any of each"),
        ("SELECT DISTINCT ON (k) k AS a, n AS b FROM @ WHERE & ORDER BY a", "add 'n' to ORDER BY", "ties within each"),
        (f"{KEYS} 2 LIMIT 3", "add 'k' to ORDER BY", "by its place"),
        (f"{KEYS} c OFFSET 1", "ORDER BY with OFFSET leaves ties", "an offset alone"),
        ("SELECT k AS a FROM @ WHERE & OFFSET 1", "OFFSET without ORDER BY", "an offset without an order"),
        ("SELECT k AS a FROM @ WHERE &\nUNION ALL (SELECT 'x' AS a)\nLIMIT 1", "line 3, column 7: LIMIT without ORDER BY is not repeatable", "a union"),
        ("SELECT a FROM ((SELECT k AS a FROM @ WHERE & UNION ALL SELECT 'x' AS a) LIMIT 1)", "LIMIT without ORDER BY", "a union in brackets"),
        ("SELECT a FROM (SELECT k AS a FROM @ WHERE & UNION ALL (SELECT 'x' AS a) LIMIT 1)", "LIMIT without ORDER BY", "a union within"),
        ("SELECT k AS a FROM @ WHERE & UNION ALL (SELECT 'x' AS a) ORDER BY a LIMIT 1", "LIMIT behind UNION or brackets must be in a SELECT of its own", "a union with an order"),
        ("SELECT k AS a, n AS b FROM @ WHERE & ORDER BY a LIMIT 1", "add 'n' to ORDER BY", "rows"),
        ("SELECT k AS a, n AS b FROM @ WHERE & ORDER BY a LIMIT 1 BY a", "add 'n' to ORDER BY", "the first of each"),
        ("SELECT lower(k) AS a, n AS b FROM @ WHERE & ORDER BY a, lower(b) LIMIT 1", "add 'n' to ORDER BY", "less than a column"),
        ("SELECT k AS a FROM (SELECT k, n FROM @ WHERE & ORDER BY n LIMIT 1)", "add 'k' to ORDER BY", "within"),
        ("SELECT k AS a, count() AS c FROM @ WHERE & GROUP BY k WITH ROLLUP ORDER BY a LIMIT 1", "add 'count()' to ORDER BY", "a total is named like a key"),
        ("SELECT l.k AS a, l.n AS b FROM @ AS l JOIN @ AS r ON l.k = r.k WHERE l.at >= {{window_start}} AND l.at < {{window_end}} ORDER BY l.event_key LIMIT 1", "add 'l.k' to ORDER BY", "an event joined to many"),
        ("SELECT sum(amout) AS a FROM @ WHERE &", "the dataset has no column 'amout'; allowed are at, event_key, k, n", "a column that is not there"),
        ("SELECT sum(n) AS a FROM @ WHERE & AND event_kay = 'x'", "no column 'event_kay'; did you mean 'event_key'?", "one that is nearly there"),
        ("SELECT arrayMap(x -> x + y, [1]) AS a FROM @ WHERE &", "no column 'y'", "beside a lambda's argument"),
        ("SELECT k AS a, n AS b, count() AS c FROM @ WHERE & GROUP BY k", "column 'n' is neither in GROUP BY nor in an aggregate", "outside"),
        ("SELECT n + 1 AS b, sumIf(n, k = 'x') AS c FROM @ WHERE &", "column 'n' is neither", "without GROUP BY"),
        ("SELECT lower(k) AS a, n AS b, count() AS c FROM @ WHERE & GROUP BY 1", "column 'n' is neither", "by place"),
    ],
)  # fmt: skip
def test_what_would_be_wrong_is_named(text, says, because):
    assert says in _check(text), because


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (f"{KEYS} c DESC, a LIMIT 3", "the key decides"),
        (f"{KEYS} c DESC, k LIMIT 3", "under its own name"),
        (f"{KEYS} 2, 1 LIMIT 3", "by place"),
        (f"{KEYS} c, a OFFSET 1", "an offset"),
        ("SELECT k AS a FROM @ WHERE & ORDER BY a LIMIT 3 WITH TIES", "ties stay"),
        ("SELECT lower(k) AS a, 1 AS b FROM @ WHERE & ORDER BY k LIMIT 1", "what follows from a column"),
        ("SELECT k AS a, n AS b FROM @ WHERE & ORDER BY at, event_key LIMIT 5", "no two events share a key"),
        ("SELECT count() AS c FROM @ WHERE & ORDER BY c LIMIT 1", "one row"),
        ("SELECT DISTINCT k AS a FROM @ WHERE & ORDER BY a LIMIT 2", "different rows"),
        ("SELECT count() AS c FROM @ WHERE at BETWEEN {{window_start}} AND addDays({{window_start}}, 1) AND at < {{window_end}}", "a part of a window"),
        ("SELECT countIf(n > 1) AS c, max(at) > {{window_start}} AS late FROM @ WHERE &", "what is not the time"),
        ("SELECT k AS a, count() AS c FROM @ WHERE & GROUP BY ALL", "all keys"),
        ("SELECT (k, n) AS a, k AS b FROM @ WHERE & GROUP BY (k, n)", "a key of two"),
        ("SELECT k AS a, (SELECT max(n) FROM @ WHERE &) AS b, count() AS c FROM @ WHERE & GROUP BY k", "a value from elsewhere"),
        ("SELECT x AS a FROM @ ARRAY JOIN [1, 2] AS x WHERE &", "an element"),
        ("WITH t AS (SELECT k, n AS m FROM @ WHERE &) SELECT t.k AS a, sum(m) AS b FROM t GROUP BY a", "columns of a CTE"),
        ("SELECT (1 AS one) + n AS a FROM @ WHERE &", "an alias within"),
        ("SELECT toStartOfDay(at) AS k, count() AS c FROM @ WHERE & GROUP BY k", "an alias named like a column"),
    ],
)  # fmt: skip
def test_what_is_right_passes(text, because):
    assert _check(text) == "", because


@pytest.mark.parametrize("text", ALIKE)
def test_what_people_write_passes(text):
    assert _check(text) == ""


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"dya": "Date"}, "spec.outputs.columns.dya: the query gives no such column; did you mean 'day'?"),
        ({"day": "Date"}, "spec.outputs.columns: lacks 'currency', which the query gives"),
    ],
)  # fmt: skip
def test_columns_that_are_declared_are_those_of_the_query(columns, says):
    profile = changed(playbook_profile("analytics"), "spec.outputs.columns", columns)
    with pytest.raises(SpecError) as caught:
        check_alone(parse_profile(profile).spec, HERE.at("spec"))
    assert says in caught.value.message
