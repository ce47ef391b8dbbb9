import pytest

from chartly.api.profile import parse_profile
from chartly.errors import SpecError
from chartly.query.functions import NON_REPEATABLE, REPEATABLE, hint
from chartly.query.placeholders import placeholder_of
from chartly.query.rollup_query import check_query, read_template
from support.profiles import changed, playbook_profile

WHERE = " FROM {{dataset}} WHERE occurred_at >= {{window_start}} AND occurred_at < {{window_end}}"


def _check(text):
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    return check_query(parse_profile(profile).spec)


def test_the_playbook_s_query_passes_and_runs_as_it_was_written():
    spec = parse_profile(playbook_profile("analytics")).spec
    checked = check_query(spec)
    assert checked.columns == ("day", "currency", "orders", "total_amount")
    assert checked.sql("`d`.`v`", "7") == (
        spec.query_template.text.replace("{{dataset}}", "`d`.`v`")
        .replace("{{window_start}}", "{window_start7:DateTime64(3, 'UTC')}")
        .replace("{{window_end}}", "{window_end7:DateTime64(3, 'UTC')}")
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count() AS n" + WHERE,
        "SELECT currency, sum(amount) AS total" + WHERE + " GROUP BY currency",
        "SELECT uniqExact(customer_id) AS n, max(amount) AS most" + WHERE,
        "SELECT sumIf(amount, currency = 'USD') AS usd" + WHERE,
        "SELECT countIf(amount > 1) AS n, sumOrNull(amount) AS s" + WHERE,
        "SELECT quantileExact(0.9)(amount) AS p" + WHERE,
        "SELECT multiIf(amount > 1, 'a', 'b') AS k, count() AS n" + WHERE + " GROUP BY k",
        "SELECT toStartOfHour(occurred_at) AS hour, count() AS n" + WHERE + " GROUP BY 1",
        "SELECT CAST(sum(amount) AS Decimal(18,2)) AS total" + WHERE,
        "SELECT amount::Decimal(18,2) AS a" + WHERE,
        "SELECT lower(currency) AS c, length(event_id) AS l" + WHERE,
        "SELECT CASE WHEN amount > 1 THEN 'x' ELSE 'y' END AS c" + WHERE,
        "SELECT count() AS n" + WHERE + " AND currency IN ('USD', 'EUR')",
        "SELECT count() AS n" + WHERE + " AND currency LIKE 'U%' AND amount BETWEEN 1 AND 2",
        "SELECT event_id AS id" + WHERE + " ORDER BY id LIMIT 5",
        "WITH big AS (SELECT amount" + WHERE + ") SELECT sum(amount) AS s FROM big",
        "SELECT n AS n FROM (SELECT count() AS n" + WHERE + ")",
        "SELECT currency AS c" + WHERE + " UNION ALL SELECT 'x' AS c" + WHERE,
        "SELECT arrayMap(x -> x + 1, [1, 2]) AS a" + WHERE,
        "SELECT 'it''s -- {not} $$ # fine; ü' AS t" + WHERE,
        'SELECT `amount` AS a, "currency" AS b' + WHERE,
        "SELECT count(*) AS n\n" + WHERE.replace("{{dataset}}", "{{ dataset }}"),
        "SELECT DISTINCT currency AS c" + WHERE,
        "SELECT d.amount AS a FROM {{dataset}} AS d WHERE d.occurred_at >= {{window_start}} AND d.occurred_at < {{window_end}}",
        "SELECT dateDiff('day', occurred_at, {{window_end}}) AS age" + WHERE,
        "SELECT 1 AS a -- x\n" + WHERE,
        "SELECT 1 AS a /* {{x}} */" + WHERE,
        "SELECT 'a\\'b' AS a" + WHERE,
        "SELECT extract(event_id, '^\\\\d+') AS a" + WHERE,
    ],
)  # fmt: skip
def test_good_queries_pass(text):
    assert _check(text).columns


HOSTILE = [
    ("SELECT 1 AS a" + WHERE + "; DROP TABLE x", "';' is not allowed", "a second statement"),
    ("SELECT 1 AS a" + WHERE + ";", "';' is not allowed", "a semicolon at the end"),
    ("{{dataset}} + {{window_start}} + {{window_end}}", "must be exactly one SELECT", "no statement"),
    ("SELECT FROM {{dataset}} WHERE {{window_start}} < {{window_end}}", "SELECT names no column", "nothing"),
    ("SELECT currency, count() AS n" + WHERE + " GROUP BY 1 WITH TOTALS", "WITH TOTALS is not allowed", "a row that is none"),
    ("DROP TABLE x", "must be exactly one SELECT", "no SELECT at all"),
    ("INSERT INTO t SELECT 1 AS a" + WHERE, "must be exactly one SELECT", "a write"),
    ("CREATE TABLE t AS SELECT 1 AS a" + WHERE, "must be exactly one SELECT", "a table"),
    ("ALTER TABLE t DELETE WHERE 1", "must be exactly one SELECT", "a mutation"),
    ("EXPLAIN SELECT 1 AS a" + WHERE, "must be exactly one SELECT", "explain runs statements"),
    ("SELECT 1 AS a" + WHERE + " INTO OUTFILE '/tmp/x'", "INTO is not allowed", "a file"),
    ("SELECT 1 AS a" + WHERE + " FORMAT Native", "FORMAT is not allowed", "a format"),
    ("SELECT 1 AS a" + WHERE + " SETTINGS max_threads = 1", "SETTINGS is not allowed", "settings"),
    ("SELECT count() AS n FROM system.tables", "system is not allowed", "another database"),
    ("SELECT 1 AS a FROM other" + WHERE[5:].replace(" {{dataset}}", ", {{dataset}}"), "table other is not there", "another table"),
    ("SELECT 1 AS a FROM db.t, {{dataset}} WHERE occurred_at >= {{window_start}} AND occurred_at < {{window_end}}", "table db.t is not there", "a qualified table"),
    ("SELECT 1 AS a FROM file('/etc/passwd'), {{dataset}} WHERE {{window_start}} < {{window_end}}", "table file(", "a file as a table"),
    ("SELECT file('/etc/passwd') AS f" + WHERE, "function file() is not allowed", "a file as a value"),
    ("SELECT `file`('/etc/passwd') AS f" + WHERE, "function file() is not allowed", "the same in quotes"),
    ("SELECT \"file\"('/etc/passwd') AS f" + WHERE, "function file() is not allowed", "the same in other quotes"),
    ("SELECT url('http://x') AS f" + WHERE, "function url() is not allowed", "the network"),
    ("SELECT 1 AS a FROM remote('h', d.t), {{dataset}} WHERE {{window_start}} < {{window_end}}", "table remote(", "another server"),
    ("SELECT 1 AS a FROM merge('d', '.*'), {{dataset}} WHERE {{window_start}} < {{window_end}}", "table merge(", "other tables by pattern"),
    ("SELECT 1 AS a FROM s3('x'), {{dataset}} WHERE {{window_start}} < {{window_end}}", "table s3(", "object storage"),
    ("SELECT 1 AS a FROM python(x), {{dataset}} WHERE {{window_start}} < {{window_end}}", "table python(", "the process itself"),
    ("SELECT dictGet('d', 'a', 1) AS d" + WHERE, "function dictGet()", "dictionaries"),
    ("SELECT getSetting('x') AS s" + WHERE, "function getSetting()", "settings"),
    ("SELECT sleep(3) AS s" + WHERE, "function sleep()", "waiting"),
    ("SELECT currentUser() AS u" + WHERE, "currentUser() is not repeatable", "who asks"),
    ("SELECT hostName() AS h" + WHERE, "hostName() is not repeatable", "where it runs"),
    ("SELECT now() AS n" + WHERE, "now() is not repeatable; use {{window_end}}", "the clock"),
    ("SELECT NOW() AS n" + WHERE, "NOW() is not repeatable", "the clock in capitals"),
    ("SELECT today() AS n" + WHERE, "today() is not repeatable", "the date"),
    ("SELECT CURRENT_TIMESTAMP AS n" + WHERE, "CURRENT_TIMESTAMP is not repeatable", "the clock as a keyword"),
    ("SELECT rand() AS n" + WHERE, "rand() is not repeatable", "chance"),
    ("SELECT generateUUIDv4() AS n" + WHERE, "generateUUIDv4() is not repeatable", "chance"),
    ("SELECT any(currency) AS c" + WHERE, "any() is not repeatable; use min or max", "any one"),
    ("SELECT anyIf(currency, 1) AS c" + WHERE, "anyIf() is not repeatable", "any one with a combinator"),
    ("SELECT anyLast(currency) AS c" + WHERE, "anyLast() is not repeatable", "the last one"),
    ("SELECT first_value(currency) AS c" + WHERE, "first_value() is not repeatable", "the first one"),
    ("SELECT argMax(currency, amount) AS c" + WHERE, "argMax() is not repeatable; ties", "ties"),
    ("SELECT groupArray(currency) AS c" + WHERE, "groupArray() is not repeatable", "order of arrival"),
    ("SELECT quantile(0.5)(amount) AS q" + WHERE, "quantile() is not repeatable; use quantileExact", "sampling"),
    ("SELECT median(amount) AS q" + WHERE, "median() is not repeatable", "sampling"),
    ("SELECT topK(3)(currency) AS q" + WHERE, "topK() is not repeatable", "sampling"),
    ("SELECT sum(toFloat64(amount)) AS s" + WHERE, "toFloat64() is not repeatable", "float sums"),
    ("SELECT sum(CAST(amount AS Float64)) AS s" + WHERE, "Float64 is not allowed", "float sums by cast"),
    ("SELECT sum(amount::Float32) AS s" + WHERE, "Float32 is not allowed", "float sums by short cast"),
    ("SELECT sum(CAST(amount AS DOUBLE)) AS s" + WHERE, "DOUBLE is not allowed", "float sums by another name"),
    ("SELECT row_number() OVER (ORDER BY amount) AS r" + WHERE, "OVER is not allowed", "ties again"),
    ("SELECT sum(amount) OVER (ORDER BY amount) AS r" + WHERE, "OVER is not allowed", "window functions"),
    ("SELECT row_number() AS r" + WHERE, "row_number() is not repeatable", "ties without a window"),
    ("SELECT amount AS a" + WHERE + " LIMIT 5", "LIMIT without ORDER BY", "which five"),
    ("SELECT amount AS a" + WHERE.replace("{{dataset}}", "{{dataset}} FINAL"), "FINAL is not allowed", "we add it"),
    ("SELECT amount AS a" + WHERE.replace("{{dataset}}", "{{dataset}} SAMPLE 0.1"), "SAMPLE is not allowed", "a sample"),
    ("SELECT 1 AS a # x\n" + WHERE, "a comment that starts with # is not allowed", "a comment that one parser knows"),
    ("SELECT $$x$$ AS a" + WHERE, "'$' is not allowed", "a heredoc"),
    ("SELECT 1 AS ä" + WHERE, "'ä' is not allowed", "letters outside ASCII"),
    ("SELECT\u00a01 AS a" + WHERE, "is not allowed", "a space outside ASCII"),
    ("SELECT 1\x00 AS a" + WHERE, "is not allowed", "a null byte"),
    ("SELECT {p:UInt8} AS a" + WHERE, "'{' is not allowed", "a parameter of its own"),
    ("SELECT `a``b` AS a" + WHERE, "is not", "quotes in quotes"),
    ("SELECT @x AS a" + WHERE, "'@' is not allowed", "a variable"),
    ("SELECT 0x10 AS a" + WHERE, "is not allowed", "a number that is no number"),
    ("SELECT nosuch(amount) AS a" + WHERE, "function nosuch() is not allowed", "an unknown function"),
    ("SELECT lowr(currency) AS a" + WHERE, "did you mean 'lower'?", "a typing mistake"),
    ("SELECT count() AS n FROM {{dataset}}", "{{window_start}} must appear", "all of the data"),
    ("SELECT 1 AS a WHERE {{window_start}} < {{window_end}}", "{{dataset}} must appear", "none of the data"),
    ("SELECT '{{dataset}}' AS a" + WHERE, "{{dataset}} must not be in quotes", "a placeholder as text"),
    ("SELECT 1 AS a FROM {{datset}}", "{{datset}} is not a placeholder; did you mean 'dataset'?", "an unknown placeholder"),
    ("SELECT {{}} AS a" + WHERE, "is not a placeholder", "an empty placeholder"),
    ("SELECT zz_dataset_ AS a" + WHERE, "names that start with zz_ are ours", "our own marker"),
    ("SELECT *" + WHERE, "output column 1 needs a name", "columns that are not named"),
    ("SELECT count(*)" + WHERE, "output column 1 needs a name", "an expression without a name"),
    ("SELECT 1 AS A" + WHERE, "output column 1 needs a name in lower case", "capitals"),
    ("SELECT 1 AS a, 2 AS a" + WHERE, "two output columns are named 'a'", "one name twice"),
    ("SELECT 1 AS a" + WHERE + " AND (", "line 1, column", "a syntax error"),
    ("SELECT map(currency) AS a" + WHERE, "is not SQL that can be read", "the parser itself fails"),
    ("SELECT amount AS a" + WHERE + " OFFSET 5", "OFFSET without ORDER BY", "which are left"),
    ("SELECT a AS a FROM (SELECT currency AS a" + WHERE + " GROUP BY 1 WITH TOTALS)", "WITH TOTALS", "the same within"),
    ("SELECT 1 AS a" + WHERE + " AND 1 = " + "(" * 3000, "is not SQL that can be read", "nested without end"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says", "because"), HOSTILE, ids=[one[2] for one in HOSTILE])
def test_hostile_queries_are_refused_before_any_engine_sees_them(text, says, because):
    """INV-8 and INV-10."""
    with pytest.raises(SpecError) as caught:
        _check(text)
    assert says.lower() in caught.value.message.lower(), caught.value.message
    assert "\n" not in caught.value.message


def test_a_mistake_is_placed_in_the_text_as_it_was_written():
    with pytest.raises(SpecError, match="line 3, column 10: now"):
        _check("SELECT\n  count() AS n" + WHERE + "\n AND 1 < now()")


def test_no_function_is_both_allowed_and_refused():
    assert [name for name in NON_REPEATABLE if REPEATABLE.allows(name)] == []
    assert hint("sumIf") is None


def test_a_checked_query_can_be_read_again():
    text = "SELECT sum(amount) AS s /* all */" + WHERE
    checked = _check(text)
    reading = read_template(checked.text)
    assert len(reading.text) == len(text)
    assert [placeholder_of(one.name) for one in reading.relations] == ["dataset"]
    assert [call.name for call in reading.calls] == ["sum"]
    assert reading.tree.selects[0].alias == "s"
    assert checked.text == text.replace("/* all */", " " * 9)
