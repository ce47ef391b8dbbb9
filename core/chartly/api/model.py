"""The base of every spec model: closed, frozen, camelCase outside, strict about types."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from chartly.names import SLUG_RULE, is_slug


@dataclass(frozen=True)
class Unserved:
    """Marks a field that no code serves yet: it is refused by name, and documented as such.

    Attributes:
        values: the values that are not served; without any the whole field is not.
    """

    values: tuple[str, ...] = ()


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
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", max_length=128)]
"""A field of a canonical event; also its column's name, so no ``__`` prefix and no capitals."""

_LABEL = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = "([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
LabelKey = Annotated[str, Field(pattern=f"^{_PREFIX}{_LABEL}$", max_length=317)]
"""A key of labels or annotations, in the form of Kubernetes."""
Labels = dict[LabelKey, Annotated[str, Field(pattern=f"^({_LABEL})?$", max_length=63)]]
Annotations = dict[LabelKey, str]
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]

Path = Annotated[str, Field(max_length=1000)]
"""A JSONPath."""
Milliseconds = Annotated[int, Field(ge=1, le=3_600_000)]
Bytes = Annotated[int, Field(ge=1, le=1 << 40)]
