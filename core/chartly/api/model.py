"""The base of every spec model: closed, frozen, camelCase outside, strict about types."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from chartly.api.text_forms import FIELD_NAME, LABEL_KEY, LABEL_VALUE, NAMESPACE
from chartly.names import SLUG_RULE, is_slug


@dataclass(frozen=True)
class Unserved:
    """Marks a field that no code serves yet: it is refused by name, and documented as such.

    Attributes:
        values: the values that are not served; without any the whole field is not.
    """

    values: tuple[str, ...] = ()


class MemberError(ValueError):
    """A mistake in a member of the object that a validator of a model checks.

    Attributes:
        path: the member, within the object.
        value: what is wrong there, where the sentence goes on from it.
    """

    def __init__(self, why: str, *path: str | int, value: object = None) -> None:
        super().__init__(why)
        self.path = path
        self.value = value


class SpecModel(BaseModel):
    """A closed object of a spec; unknown fields are errors, scalars are never coerced."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
    )


SLUG_MESSAGE = f"is not allowed; it takes {SLUG_RULE}"


def _checked_slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError(SLUG_MESSAGE)
    return text


Slug = Annotated[str, Field(max_length=253), AfterValidator(_checked_slug)]
FieldName = Annotated[str, Field(pattern=FIELD_NAME, max_length=128)]
"""A field of a canonical event; also its column's name, so no ``__`` prefix and no capitals."""

LabelKey = Annotated[str, Field(pattern=LABEL_KEY, max_length=317)]
"""A key of labels or annotations, in the form of Kubernetes."""
Labels = dict[LabelKey, Annotated[str, Field(pattern=LABEL_VALUE, max_length=63)]]
Annotations = dict[LabelKey, str]
Namespace = Annotated[str, Field(pattern=NAMESPACE)]

Path = Annotated[str, Field(max_length=1000)]
"""A JSONPath."""
Milliseconds = Annotated[int, Field(ge=1, le=3_600_000)]
Bytes = Annotated[int, Field(ge=1, le=1 << 40)]
