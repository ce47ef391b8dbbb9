from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from chartly.api.model import Slug
from chartly.api.object_status import TextFormat
from chartly.crds.type_annotations import (
    Checks,
    alias_of,
    alternatives,
    choices,
    models_of,
    unwrapped,
)


class One(BaseModel):
    a: int = Field(alias="A")
    b: int = 0


class Two(BaseModel):
    c: int = 0


def test_limits_are_found_wherever_they_stand():
    kind, checks = unwrapped(Annotated[Annotated[int, Field(ge=1)] | None, Field(le=9)], Checks())
    assert (kind, checks.low, checks.high) == (int, 1, 9)
    text = Checks().plus([Field(min_length=1, max_length=5, pattern="^a$"), TextFormat("x")])
    assert (text.shortest, text.longest, text.pattern, text.text_format) == (1, 5, "^a$", "x")


def test_what_is_not_limited_has_no_limits():
    none = Checks()
    assert (none.low, none.high, none.shortest, none.pattern, none.text_format) == (None,) * 5
    assert none.validators == []
    with pytest.raises(LookupError, match="needs a longest length"):
        assert none.longest
    with pytest.raises(LookupError, match="needs a longest length"):
        assert Checks().plus([Field(min_length=1)]).longest


def test_checks_of_our_own_are_told_apart():
    _, checks = unwrapped(Slug, Checks())
    assert len(checks.validators) == 1
    assert checks.longest == 253


def test_unions_and_literals():
    assert alternatives(str | int | None) == (str, int)
    assert alternatives(str) == ()
    assert unwrapped(str | int, Checks())[0] == str | int
    assert models_of(One | Two) == (One, Two)
    assert models_of(One | str) == ()
    assert choices(Literal["a", "b"]) == ("a", "b")
    assert choices(str) == ()


def test_a_field_is_spelled_as_outside():
    assert (alias_of(One, "a"), alias_of(One, "b")) == ("A", "b")
