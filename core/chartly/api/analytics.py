"""The analytics profile: a query that is computed per window and published whole."""

from typing import Annotated, Literal

from pydantic import Field

from chartly.api.columns import ColumnTypeText
from chartly.api.duration import Duration
from chartly.api.model import Bytes, FieldName, Slug, SpecModel


class Inputs(SpecModel):
    """The dataset read, the window's length, and how far before it the query may look."""

    dataset: Slug
    window: Duration
    lookback: Duration | None = None


class Outputs(SpecModel):
    dataset: Slug
    columns: dict[FieldName, ColumnTypeText] = Field(default_factory=dict)


class QueryTemplate(SpecModel):
    """One SELECT with ``{{dataset}}``, ``{{window_start}}`` and ``{{window_end}}``."""

    dialect: Literal["sql"]
    text: Annotated[str, Field(min_length=1, max_length=65_536)]


class Limits(SpecModel):
    max_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    max_memory_bytes: Bytes = 2 * 1024 * 1024 * 1024


class AnalyticsSpec(SpecModel):
    """The spec of an analytics profile."""

    inputs: Inputs
    outputs: Outputs
    query_template: QueryTemplate
    limits: Limits = Limits.model_construct()
