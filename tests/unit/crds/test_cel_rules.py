import pytest

from chartly.crds.cel_rules import (
    Rule,
    anchored,
    keys_must_be,
    keys_must_match,
    literal,
    must_match,
    one_of,
    quoted,
    regex,
    required,
    unchanged,
)


def test_a_rule_gives_only_what_it_has():
    assert Rule("a", "b").as_schema() == {"rule": "a", "message": "b"}
    assert Rule("a", "b", "c", ".d", "FieldValueForbidden").as_schema() == {
        "rule": "a",
        "message": "b",
        "messageExpression": "c",
        "fieldPath": ".d",
        "reason": "FieldValueForbidden",
    }


def test_words_of_cel():
    assert literal('say "x"\n') == r'"say \"x\"\n"'
    assert one_of("self.a", ["b"]) == 'self.a == "b"'
    assert one_of("self.a", ["b", "c"]) == 'self.a in ["b", "c"]'
    assert anchored(r"a|\.b") == r"r'^(a|\.b)$'"
    assert quoted("self") == '"\'" + self + "\'"'
    assert (
        unchanged("a") == "has(self.a) == has(oldSelf.a) && (!has(self.a) || self.a == oldSelf.a)"
    )


@pytest.mark.parametrize(
    ("pattern", "because"),
    [
        ("it's", "a quote would end the text"),
        ("(?=a)b", "the API server's engine cannot look ahead"),
        ("(?!a)b", "nor ahead for what is not there"),
    ],
)
def test_patterns_that_only_one_engine_reads_are_refused(pattern, because):
    with pytest.raises(ValueError, match="no quote and no look-around"):
        regex(pattern)


def test_rules_made_of_limits_say_what_the_models_say():
    assert must_match("^a$").message == "must match ^a$"
    assert keys_must_match("^a$").message == "must match ^a$"
    assert keys_must_be(["cpu", "memory"]) == Rule(
        'self.all(key, key in ["cpu", "memory"])', "is not one of cpu, memory"
    )


def test_what_is_required_is_told_at_the_field():
    always, sometimes = required("a"), required("a", "self.b")
    assert (always.rule, sometimes.rule) == ("has(self.a)", "!(self.b) || has(self.a)")
    assert (always.field, always.why) == (".a", "FieldValueRequired")
