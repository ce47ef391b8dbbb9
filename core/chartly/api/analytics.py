"""The analytics profile: a query per window, whose result is published as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from chartly.api.columns import ColumnTypeText
from chartly.api.duration import Duration
from chartly.api.model import Bytes, FieldName, Slug, SpecModel, Unserved

QUERY_TEXT = ("queryTemplate", "text")
"""The field that holds the SQL, within the spec."""


class Inputs(SpecModel):
    """The dataset read, the length of a window, and how far before it the query reads."""

    dataset: Slug
    """The dataset that the query reads; the workflow writes it."""
    window: Duration
    """The length of a window, in UTC: one ISO 8601 part such as `PT1H`, `P1D`, `P1W`, `P1M`.
    Weeks start on Monday.
    """
    lookback: Annotated[Duration | None, Unserved()] = None
    """The length of time before its window that the query also reads."""


class Outputs(SpecModel):
    dataset: Slug
    """The dataset that the query writes."""
    columns: Annotated[dict[FieldName, ColumnTypeText], Field(max_length=500)] = Field(
        default_factory=dict
    )
    """Types of all its columns; without it those of the first run. A query that returns others
    later fails with `OutputContract`.
    """


class QueryTemplate(SpecModel):
    """One SELECT with ``{{dataset}}``, ``{{window_start}}`` and ``{{window_end}}``."""

    dialect: Literal["sql"]
    """The language of the text."""
    text: Annotated[str, Field(min_length=1, max_length=65_536)]
    """One SELECT over `{{dataset}}` for one window: `{{window_start}}` up to, but without,
    `{{window_end}}`. Functions that do not repeat, such as `now()` or `any()`, are refused.
    """


class QueryLimits(SpecModel):
    max_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    """Seconds that one query may take. It may compute many windows, or fewer where that takes too
    long.
    """
    max_memory_bytes: Bytes = 2 * 1024 * 1024 * 1024
    """Bytes of memory that one query may take, likewise."""


class AnalyticsSpec(SpecModel):
    """The spec of an analytics profile."""

    inputs: Inputs
    """The dataset and windows that the query reads."""
    outputs: Outputs
    """The dataset that the query writes."""
    query_template: QueryTemplate
    """The query."""
    limits: QueryLimits = QueryLimits.model_construct()
    """Limits of one query."""
