"""Roll-ups and ad-hoc queries are refused by one policy, in the same words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.profile import parse_profile
from chartly.errors import SpecError
from chartly.query.adhoc_query import check_select
from chartly.query.functions import REPEATABLE
from chartly.query.harmless import HARMLESS
from chartly.query.rollup_query import check_query
from support.profiles import changed, playbook_profile

EDGES = "at >= {{window_start}} AND at < {{window_end}}"
COMBINATORS = ["", "If", "OrNull", "OrDefault", "Distinct", "Array", "ForEach", "Map"]
CALLABLE = sorted(HARMLESS.scalars | HARMLESS.aggregates)


def _refusal(check):
    with pytest.raises(SpecError) as caught:
        check()
    return caught.value.message


def _adhoc(text):
    return check_select(text.replace("@", "people").replace("&", "n > 0"), {"people"})


def _rollup(text):
    text = text.replace("@", "{{dataset}}").replace("&", EDGES)
    profile = changed(playbook_profile("analytics"), "spec.queryTemplate.text", text)
    return check_query(parse_profile(profile).spec)


@pytest.mark.parametrize(
    ("text", "refusal", "because"),
    [
        ("DROP TABLE a", "must be exactly one SELECT", "another statement"),
        ("SELECT 1 AS a FROM @ WHERE & INTO OUTFILE 'x'", "INTO is not allowed; a column", "a file"),
        ("SELECT 1 AS a FROM @ WHERE & SETTINGS b = 1", "SETTINGS is not allowed; a co", "settings"),
        ("SELECT 1 AS a FROM @, b.c WHERE &", "table b.c is not there or may not be read; allowed", "another table"),
        ("SELECT 1 AS a FROM @, url('b') WHERE &", "table url('b') is not there or may not be read; ", "rows made"),
        ("SELECT 1 AS a FROM @ WHERE & AND k IN (b.c)", "IN takes values, a subquery or a table, not b.c; allowed", "an operand"),
        ("SELECT lowr(k) AS a FROM @ WHERE &", "function lowr() is not allowed; did", "a typing error"),
        ("SELECT sleep(1) AS a FROM @ WHERE &", "function sleep() is not allowed", "not harmless"),
        ("SELECT (k-n FROM @ WHERE &", "')' is missing at 'FROM'", "a difference is no table"),
        ("SELECT (k AS a FROM @ WHERE &", "')' is missing at 'FROM'", "brackets that do not end"),
        ("SELECT k AS a\nFROM @\nWHER &", " is not expected here", "a keyword with a mistake"),
        ("SELECT k AS a FROM @ WHERE", "something is missing at 'WHERE'", "a clause without its condition"),
        ("SELECT map(k) AS a FROM @ WHERE &", "is not SQL that can be read", "the parser fails"),
    ],
)  # fmt: skip
def test_both_refuse_in_the_same_words(text, refusal, because):
    adhoc, rollup = _refusal(lambda: _adhoc(text)), _refusal(lambda: _rollup(text))
    assert refusal in adhoc, because
    assert refusal in rollup, because


@pytest.mark.parametrize(
    ("expression", "rollup", "because"),
    [
        ("now()", "now() is not repeatable; use {{window_end}}", "only roll-ups are repeated"),
        ("today", "today is not repeatable; use {{window_end}}", "called without brackets"),
        ("format('{}', k)", "format is not allowed; a column of that name", "a clause, too"),
        ("system", "system is not allowed; a column of that name", "a name of an engine's own"),
    ],
)
def test_what_only_an_adhoc_query_may_contain(expression, rollup, because):
    text = f"SELECT {expression} AS a FROM @ WHERE &"
    assert _adhoc(text), because
    assert rollup in _refusal(lambda: _rollup(text)), because


@given(name=st.sampled_from(CALLABLE), combinator=st.sampled_from(COMBINATORS))
def test_what_a_rollup_may_call_an_adhoc_query_may_too(name, combinator):
    assert HARMLESS.allows(name)
    if REPEATABLE.allows(name + combinator):
        assert HARMLESS.allows(name + combinator)
    if name in HARMLESS.aggregates:
        assert HARMLESS.is_aggregate(name + combinator)
