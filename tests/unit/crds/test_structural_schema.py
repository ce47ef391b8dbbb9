from typing import Annotated, Literal

import pytest
from pydantic import Field

from chartly.api.connector import SecretRef
from chartly.api.model import FieldName, SpecModel
from chartly.api.run_policy import Resources, Runtime
from chartly.crds.cel_rules import Rule
from chartly.crds.structural_schema import RULES, Schemas, is_readable_in_cel, with_rules
from chartly.crds.variants import of_variants

Text = Annotated[str, Field(max_length=5)]
OPEN = {"x-kubernetes-preserve-unknown-fields": True}


class Sample(SpecModel):
    word: Annotated[str, Field(min_length=1, max_length=5)]
    shaped: Annotated[str, Field(pattern="^a", max_length=9)] | None = None
    small: Annotated[int, Field(ge=1, le=5)] = 1
    large: int = 0
    flag: bool = False
    choice: Literal["a", "b"] = "a"
    words: Annotated[tuple[Text, ...], Field(min_length=1, max_length=3)] = ("a",)
    pairs: Annotated[dict[FieldName, Text], Field(min_length=1, max_length=3)] = Field(
        default_factory=dict
    )
    either: Text | int | None = None
    scalar: str | bool | None = None
    anything: object = None


class Unbounded(SpecModel):
    word: str


class Strange(SpecModel):
    number: float


def said(model, name):
    return f"about {name}"


def schema_of(model, **options):
    return Schemas(said, of_variants, **options).of_object(model)


def test_each_type_has_its_schema():
    fields = {
        name: {key: value for key, value in one.items() if key != "description"}
        for name, one in schema_of(Sample)["properties"].items()
    }
    shaped = {"rule": "self.matches(r'^a')", "message": "must match ^a"}
    assert fields.pop("shaped") == {"type": "string", "maxLength": 9, RULES: [shaped]}
    pairs = fields.pop("pairs")
    assert pairs.pop(RULES)[0]["message"].startswith("is not allowed; it takes lower-case letters")
    text = {"type": "string", "maxLength": 5}
    most = 2**53 - 1
    assert pairs == {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 3,
        "additionalProperties": text,
    }
    assert fields == {
        "word": {"type": "string", "minLength": 1, "maxLength": 5},
        "small": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 5},
        "large": {"type": "integer", "format": "int64", "minimum": -most, "maximum": most},
        "flag": {"type": "boolean"},
        "choice": {"type": "string", "enum": ["a", "b"]},
        "words": {"type": "array", "minItems": 1, "maxItems": 3, "items": text},
        "either": {"x-kubernetes-int-or-string": True, "maxLength": 5},
        "scalar": OPEN,
        "anything": OPEN,
    }


def test_only_what_is_required_is_required():
    schema = schema_of(Sample)
    assert schema["required"] == ["word"]
    assert schema["properties"]["word"]["description"] == "about word"
    assert "required" not in schema_of(Runtime)


def test_patterns_stay_the_api_server_s_where_no_sentence_of_ours_is_needed():
    assert schema_of(Sample, in_cel=False)["properties"]["shaped"]["pattern"] == "^a"


def test_keys_of_a_few_are_a_rule():
    requests = schema_of(Resources)["properties"]["requests"]
    assert requests[RULES][0]["message"] == "is not one of cpu, memory"


def test_a_value_that_may_be_a_secret_is_not_shown():
    """INV-6."""
    for field in schema_of(SecretRef)["properties"].values():
        assert {rule["reason"] for rule in field[RULES]} == {"FieldValueForbidden"}


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Unbounded, "Unbounded.word: a text, list or map in a schema needs a longest length"),
        (Strange, "Strange.number: no schema for"),
    ],
)
def test_what_cannot_be_said_is_an_error(model, says):
    with pytest.raises(LookupError, match=says):
        schema_of(model)


def test_rules_come_after_those_that_are_there():
    once = with_rules({}, [Rule("a", "b")])
    assert [one["rule"] for one in with_rules(once, [Rule("c", "d")])[RULES]] == ["a", "c"]
    assert with_rules({}, []) == {}


@pytest.mark.parametrize(
    ("schema", "seen"),
    [
        ({"type": "string"}, True),
        ({"x-kubernetes-int-or-string": True}, True),
        (OPEN, False),
        ({"type": "object", "additionalProperties": OPEN}, False),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, True),
    ],
)
def test_rules_do_not_see_what_has_no_type(schema, seen):
    assert is_readable_in_cel(schema) is seen
