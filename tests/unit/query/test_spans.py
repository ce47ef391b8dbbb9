import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from chartly.api.duration import Length
from chartly.api.profile import parse_profile
from chartly.query.rollup_query import CheckedQuery, check_query
from chartly.query.spannable import START, conditions
from chartly.query.spans import spanning
from support.profiles import changed, playbook_profile

DAY = Length(1, "day")
EDGES = "occurred_at >= {{window_start}} AND occurred_at < {{window_end}}"
FROM = " FROM {{dataset}} WHERE "
WHERE = FROM + EDGES


def _checked(text):
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    return check_query(parse_profile(profile).spec)


def _spanning(text, digits=3):
    return spanning(_checked(text), "occurred_at", DAY, digits)


def test_the_playbook_s_query_gets_one_key_one_column_and_its_spans():
    text = parse_profile(playbook_profile("analytics")).spec.query_template.text
    start = (
        "toUnixTimestamp64Milli(`occurred_at`) "
        "- positiveModulo(toUnixTimestamp64Milli(`occurred_at`) - 0, 86400000) AS _window_start"
    )
    spans = " OR ".join(
        f"(`occurred_at` >= {{window_start{n}:DateTime64(3, 'UTC')}} "
        f"AND `occurred_at` < {{window_end{n}:DateTime64(3, 'UTC')}})"
        for n in range(2)
    )
    expected = (
        text.replace("FROM", f", {start} FROM")
        .replace("WHERE ", f"WHERE ({spans}) AND  ")
        .replace("GROUP BY 1,2\n", "GROUP BY 1,2, _window_start ")
        .replace("{{dataset}}", "`d`.`v`")
        .replace("{{window_start}}", "{window_start:DateTime64(3, 'UTC')}")
        .replace("{{window_end}}", "{window_end:DateTime64(3, 'UTC')}")
    )
    assert _spanning(text).sql("`d`.`v`", 2) == expected


@pytest.mark.parametrize(("digits", "function"), [(3, "Milli"), (6, "Micro"), (9, "Nano")])
def test_the_key_counts_in_the_unit_of_the_time(digits, function):
    text = parse_profile(playbook_profile("analytics")).spec.query_template.text
    assert f"toUnixTimestamp64{function}(`occurred_at`)" in _spanning(text, digits).before


KEPT = [
    ("SELECT count() AS n" + WHERE, "no keys"),
    ("SELECT currency AS c" + FROM + "occurred_at >= {{window_start}} GROUP BY {{window_end}}, 1", "an edge as a key"),
    ("SELECT {{window_start}} AS at, currency" + WHERE + " GROUP BY 1, 2", "an edge in a column"),
    ("SELECT currency, dateDiff('day', min(occurred_at), {{window_end}}) AS age" + WHERE + " GROUP BY 1", "an edge in a calculation"),
    ("SELECT currency" + WHERE + " GROUP BY 1 HAVING max(occurred_at) < {{window_end}}", "an edge in HAVING"),
    ("SELECT currency" + WHERE + " GROUP BY 1 ORDER BY max(occurred_at) < {{window_end}}", "an edge in ORDER BY"),
    ("SELECT currency" + FROM + EDGES.replace("AND", "OR") + " GROUP BY 1", "one edge or the other"),
    ("SELECT currency" + WHERE + " OR amount = 1 GROUP BY 1", "or something else"),
    ("SELECT currency" + WHERE + " AND (amount = 1 OR occurred_at >= {{window_start}}) GROUP BY 1", "an edge in OR"),
    ("SELECT currency" + FROM + "(" + EDGES + " AND amount = 1 ? 1 : 0) GROUP BY 1", "a choice binds less than AND"),
    ("SELECT currency" + FROM + "NOT (" + EDGES + ") GROUP BY 1", "not the window"),
    ("SELECT currency" + FROM + "NOT occurred_at >= {{window_start}} AND occurred_at < {{window_end}} GROUP BY 1", "not one edge"),
    ("SELECT currency" + FROM + "occurred_at > {{window_start}} AND occurred_at < {{window_end}} GROUP BY 1", "without its start"),
    ("SELECT currency" + FROM + "occurred_at >= {{window_start}} AND occurred_at <= {{window_end}} GROUP BY 1", "with its end"),
    ("SELECT currency" + FROM + "occurred_at < {{window_start}} AND occurred_at >= {{window_end}} GROUP BY 1", "what is outside"),
    ("SELECT currency" + FROM + "{{window_start}} >= occurred_at AND occurred_at < {{window_end}} GROUP BY 1", "the wrong way round"),
    ("SELECT currency" + FROM + "occurred_at BETWEEN {{window_start}} AND {{window_end}} GROUP BY 1", "BETWEEN has both ends"),
    ("SELECT currency" + FROM + "{{window_start}} < {{window_end}} AND " + EDGES + " GROUP BY 1", "edges with each other"),
    ("SELECT currency" + FROM + EDGES.replace("occurred_at <", "ingested_at <") + " GROUP BY 1", "another column's edge"),
    ("SELECT currency" + WHERE + " AND ingested_at < {{window_end}} GROUP BY 1", "another column's edge, too"),
    ("SELECT currency" + FROM + EDGES.replace("{{window_start}}", "{{window_start}} - toIntervalDay(1)") + " GROUP BY 1", "days before"),
    ("SELECT currency" + FROM + EDGES.replace("occurred_at >=", "addDays(occurred_at, 1) >=") + " GROUP BY 1", "a shifted time"),
    ("SELECT currency" + FROM + EDGES.replace("occurred_at >=", "d.occurred_at >=") + " GROUP BY 1", "whose time"),
    ("SELECT currency" + WHERE.replace("{{dataset}}", "{{dataset}} AS d") + " GROUP BY 1", "another name of the dataset"),
    ("SELECT currency" + FROM + EDGES.replace("occurred_at", "OCCURRED_AT") + " GROUP BY 1", "another column in capitals"),
    ("SELECT toStartOfDay(occurred_at) AS occurred_at, count() AS n" + WHERE + " GROUP BY 1", "an alias like the time"),
    ("SELECT max((amount AS occurred_at)) AS a, currency" + WHERE + " GROUP BY 2", "an alias within"),
    ("SELECT max((amount AS b)) AS a, currency" + WHERE + " GROUP BY 2", "any alias within"),
    ("SELECT currency AS c, count() AS n" + WHERE + " AND _window_start > 1 GROUP BY 1", "a name of ours"),
    ("SELECT DISTINCT currency" + WHERE + " GROUP BY currency, amount", "DISTINCT"),
    ("SELECT currency, max(amount) AS a" + WHERE + " GROUP BY 1 ORDER BY a LIMIT 3", "LIMIT"),
    ("SELECT currency, max(amount) AS a" + WHERE + " GROUP BY 1 ORDER BY a LIMIT 1 BY currency", "LIMIT BY"),
    ("SELECT toStartOfHour(occurred_at) AS h" + WHERE + " GROUP BY 1 ORDER BY h WITH FILL", "rows that are made up"),
    ("SELECT currency, count() AS n" + WHERE + " GROUP BY 1 WITH ROLLUP", "rows of totals"),
    ("SELECT currency, count() AS n" + WHERE + " GROUP BY 1 WITH CUBE", "more rows of totals"),
    ("SELECT currency, count() AS n," + WHERE + " GROUP BY 1", "a comma too many"),
    ("SELECT currency, count() AS n" + WHERE + " GROUP BY 1,", "a comma too many among keys"),
    ("SELECT currency, count() AS n" + WHERE + " GROUP BY ALL", "keys unnamed"),
    ("SELECT currency, amount" + WHERE + " GROUP BY 2, -2", "keys from the end"),
    ("SELECT currency, amount" + WHERE + " GROUP BY 1, 3", "a key that would be ours"),
    ("SELECT currency, amount" + WHERE + " GROUP BY 0, 1", "no key"),
    ("SELECT 'x' AS a, count() AS n" + WHERE + " GROUP BY 1", "a constant by position"),
    ("SELECT 'x' AS a, count() AS n" + WHERE + " GROUP BY a", "a constant by name"),
    ("SELECT 'x' AS a, lower(a) AS b" + WHERE + " GROUP BY b", "a constant by way of another"),
    ("SELECT count() AS n" + WHERE + " GROUP BY 'x'", "a constant"),
    ("SELECT currency, max(length(arrayMap(x -> x, [1]))) AS n" + WHERE + " GROUP BY 1", "names of its own"),
    ("SELECT arrayJoin([1, 2]) AS k, currency" + WHERE + " GROUP BY 1, 2", "rows that multiply"),
    ("SELECT currency, sum(amount / 3) AS s" + WHERE + " GROUP BY 1", "a sum of quotients"),
    ("SELECT currency, sum(divide(amount, 3)) AS s" + WHERE + " GROUP BY 1", "the same as a function"),
    ("SELECT currency, sum(length(event_id) * 0.5) AS s" + WHERE + " GROUP BY 1", "a sum of fractions"),
    ("SELECT currency, sum(length(event_id) * 18446744073709551616) AS s" + WHERE + " GROUP BY 1", "a number that is a float"),
    ("SELECT currency, sum(nan) AS s" + WHERE + " GROUP BY 1", "no number"),
    ("SELECT currency, sum(cast(amount, 'Float64')) AS s" + WHERE + " GROUP BY 1", "a type as text"),
    ("SELECT currency, varPopStable(amount) AS s" + WHERE + " GROUP BY 1", "a variance"),
    ("SELECT n AS n FROM (SELECT currency, count() AS n" + WHERE + " GROUP BY 1) WHERE n > 1 GROUP BY n", "a query within"),
    ("SELECT currency" + WHERE + " AND amount IN (SELECT amount" + WHERE + ") GROUP BY 1", "a query in a condition"),
    ("SELECT currency" + WHERE + " AND amount IN {{dataset}} GROUP BY 1", "the dataset as a set"),
    ("SELECT {{dataset}}.currency AS c" + WHERE + " GROUP BY 1", "the dataset's name before a column"),
    ("SELECT currency" + WHERE + " GROUP BY 1 UNION ALL SELECT currency" + WHERE + " GROUP BY 1", "two queries"),
    ("WITH 1 AS one SELECT currency, one AS o" + WHERE + " GROUP BY 1, 2", "WITH"),
    ("SELECT a.currency AS c FROM {{dataset}} AS a JOIN {{dataset}} AS b ON a.event_id = b.event_id WHERE " + EDGES.replace("occurred_at", "a.occurred_at") + " GROUP BY 1", "a join"),
    ("SELECT currency, currency IS DISTINCT FROM 'x' AS other" + WHERE + " GROUP BY 1, 2", "FROM before FROM"),
    ("SELECT amount AS order, currency" + WHERE + " GROUP BY 1, 2", "a word of SQL for a name"),
    ("FROM {{dataset}} SELECT currency WHERE " + EDGES + " GROUP BY 1", "FROM comes first"),
    ("SELECT 1 AS one WHERE 'x' IN {{dataset}} AND " + EDGES + " GROUP BY currency", "no FROM"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "because"), KEPT, ids=[one[1] for one in KEPT])
def test_what_may_differ_runs_window_by_window(text, because):
    assert _spanning(text) is None


def test_what_is_nested_too_deeply_to_tell_runs_window_by_window():
    text = (
        "SELECT currency" + WHERE + " AND " + "(" * 500 + "amount = 1" + ")" * 500 + " GROUP BY 1"
    )
    assert spanning(CheckedQuery(text, ("currency",)), "occurred_at", DAY, 3) is None


def test_many_conditions_are_told_apart():
    assert (
        _spanning("SELECT currency" + WHERE + " AND amount = 1" * 1100 + " GROUP BY 1") is not None
    )


COLUMNS = st.lists(
    st.sampled_from(
        [
            "currency",
            "lower(currency) AS small",
            "date_trunc('day', occurred_at) AS day",
            "trim(BOTH ' ' FROM customer_id) AS c",
            "CASE WHEN amount > 1 THEN 'FROM' ELSE ' GROUP BY ' END AS k",
            '"type" AS `group`',
        ]
    ),
    min_size=1,
    unique=True,
)
VALUES = st.lists(
    st.sampled_from(
        ["count(*) AS n", "sumIf(amount, currency = 'HAVING') AS s", "avg(amount) AS a"]
    ),
    unique=True,
)
CONDITIONS = st.lists(
    st.sampled_from(
        [
            "(amount = 1 OR amount = 2)",
            "amount BETWEEN 1 AND 2",
            "NOT currency = ' WHERE '",
            "currency IN ('a', 'b')",
            "(customer_id IS NULL AND (amount > 3))",
        ]
    ),
    max_size=3,
)
EDGE_FORMS = st.permutations(["start", "end"]).flatmap(
    lambda order: st.tuples(
        *(
            st.sampled_from(
                ["occurred_at >= {{window_start}}", "{{ window_start }} <= `occurred_at`"]
                if edge == "start"
                else ["occurred_at < {{window_end}}", "({{window_end}} > occurred_at)"]
            )
            for edge in order
        )
    )
)
TAILS = st.sampled_from(
    ["", " HAVING count() > 1", " ORDER BY 1", "\nhaving count() > 1\norder by 1"]
)


# The first example loads the parser.
@settings(deadline=None, max_examples=40)
@given(COLUMNS, VALUES, CONDITIONS, EDGE_FORMS, TAILS, st.randoms(use_true_random=False))
def test_what_runs_at_once_reads_as_the_query_with_one_key_more(
    columns, values, others, edges, tail, chance
):
    terms = [*others, *edges]
    chance.shuffle(terms)
    keys = ", ".join(str(position) for position, _ in enumerate(columns, 1))
    text = (
        f"SELECT {', '.join([*columns, *values])}{FROM}{' AND '.join(terms)} GROUP BY {keys}{tail}"
    )
    plain = sqlglot.parse_one(_checked(text).sql("v"), read="clickhouse")
    found = sqlglot.parse_one(_spanning(text).sql("v", 1), read="clickhouse")
    assert found.selects[:-1] == plain.selects
    assert found.selects[-1].alias == START
    assert found.args["group"].expressions[:-1] == plain.args["group"].expressions
    assert found.args["group"].expressions[-1] == sqlglot.column(START)
    assert list(conditions(found.args["where"].this))[2:] == list(
        conditions(plain.args["where"].this)
    )
    for one in ("having", "order"):
        assert found.args.get(one) == plain.args.get(one)
