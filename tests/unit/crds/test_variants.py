from typing import Annotated, Literal

import pytest
from pydantic import Field

from chartly.api.model import SpecModel
from chartly.api.normalizer import NormalizerSpec
from chartly.api.workflow import WorkflowSpec
from chartly.crds.structural_schema import RULES, Schemas
from chartly.crds.variants import of_variants

Text = Annotated[str, Field(max_length=5)]


class Left(SpecModel):
    """Goes ``left``."""

    op: Literal["left"]
    far: Text
    how: Text | None = None
    size: Annotated[int, Field(ge=1)] = 1


class Right(SpecModel):
    """Goes right."""

    op: Literal["right"]
    far: Text
    value: object
    to: Text


class Wrong(SpecModel):
    op: Literal["wrong"]
    far: Annotated[str, Field(max_length=6)]


def said(model, name):
    if name == "op":
        raise LookupError(name)
    return "how far" if name == "far" else f"{model.__name__} {name}"


def variants(*models):
    return of_variants(Schemas(said, of_variants), models)


def test_the_fields_of_all_stand_side_by_side():
    schema = variants(Left, Right)
    assert list(schema["properties"]) == ["op", "far", "how", "size", "value", "to"]
    assert schema["required"] == ["op", "far"]
    assert schema["properties"]["op"] == {
        "description": "`left`: Goes `left`.\n`right`: Goes right.",
        "type": "string",
        "enum": ["left", "right"],
    }
    assert schema["properties"]["far"]["description"] == "how far"


def test_rules_say_whose_a_field_is():
    rules = {(one["rule"], one["message"]) for one in variants(Left, Right)[RULES]}
    assert rules == {
        ('!has(self.how) || self.op == "left"', "unknown field 'how'; only left takes it"),
        ('!has(self.size) || self.op == "left"', "unknown field 'size'; only left takes it"),
        ('!has(self.to) || self.op == "right"', "unknown field 'to'; only right takes it"),
        ('!(self.op == "right") || has(self.to)', "is required"),
    }


def test_the_schema_says_what_rules_do_not_see():
    other = {"not": {"properties": {"op": {"enum": ["right"]}}}}
    assert variants(Left, Right)["allOf"] == [{"anyOf": [{"required": ["value"]}, other]}]
    assert "allOf" not in variants(Left)


def test_a_field_that_means_two_things_is_an_error():
    with pytest.raises(LookupError, match="far is not the same in left, wrong"):
        variants(Left, Wrong)


def test_sentences_of_two_variants_both_stand():
    schemas = Schemas(lambda model, name: f"{model.__name__}.{name}", of_variants)
    steps = schemas.of_value(WorkflowSpec, "steps")["items"]
    assert steps["properties"]["stream"]["description"].count("\n") == 1
    assert "`normalize`: _Normalize.stream" in steps["properties"]["stream"]["description"]


def test_a_variant_s_own_rules_are_its_own():
    schemas = Schemas(lambda model, name: "x", of_variants)
    rules = schemas.of_value(NormalizerSpec, "transforms")["items"][RULES]
    scale = [one for one in rules if one["message"] == "scale must not exceed precision"]
    assert [one["rule"].startswith("self.op != 'toDecimal' || ") for one in scale] == [True]
