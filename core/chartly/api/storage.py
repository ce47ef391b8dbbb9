"""The storage profile: the dataset of canonical events, its retention and columns."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.columns import ColumnTypeText
from chartly.api.model import Bytes, FieldName, MemberError, Slug, SpecModel, Unserved

RETENTION_MESSAGE = "give retentionDays or retention, not both"
Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(SpecModel):
    """Retention by event time; rows older than ``days`` count as ``late``."""

    days: Days
    """Days before the run's start within which an event is kept."""
    from_: Annotated[FieldName, Field(alias="from")]
    """The field with the event's time."""


class Partitioning(SpecModel):
    """``by[0]`` is the time column of the dataset."""

    by: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=1)]
    """The time column; a required field that a `toUtcTimestamp` makes an instant."""
    granularity: Literal["hour", "day", "week", "month", "year"] = "day"
    """The length of time of one partition."""


class Indexing(SpecModel):
    fields: Annotated[tuple[FieldName, ...], Field(max_length=32)] = ()
    """Fields that queries filter by; each has a skip index."""


class Raw(SpecModel):
    """Whether and how long pages are kept as received."""

    enabled: bool = False
    """Keeps pages as received, with the fields that no mapping names."""
    dataset: Slug | None = None
    """The dataset of the pages; without it the dataset's name with `-raw`."""
    retention_days: Days = 7
    """Days that a page is kept, counted from when a run last received it."""


class StorageSpec(SpecModel):
    """The spec of a storage profile."""

    dataset: Slug
    """The dataset; its view has this name with `_` for `-`. One workflow writes it."""
    retention_days: Days | None = None
    """Days that an event is kept, counted from `ingested_at`."""
    retention: Retention | None = None
    """Retention by event time instead."""
    partitioning: Partitioning | None = None
    """The field with the time of the events. Without it there are no windows, and no analytics.
    """
    indexing: Indexing = Indexing.model_construct()
    """The fields that queries filter by."""
    columns: Annotated[dict[FieldName, ColumnTypeText], Field(max_length=500)] = Field(
        default_factory=dict
    )
    """Types of stored columns. Without one a field has the type of its transforms, otherwise
    `String`.
    """
    max_bytes: Bytes = 1 << 40
    """Compressed size of events, rejects and kept pages above which nothing more is loaded
    (`StorageQuotaExceeded`).
    """
    write_mode: Annotated[Literal["append", "replace"], Unserved(("replace",))] = "append"
    """`append` adds and updates events, `replace` replaces the contents at once."""
    raw: Raw = Raw.model_construct()
    """Whether pages are kept as received."""

    @model_validator(mode="after")
    def _one_retention(self) -> Self:
        if self.retention_days is not None and self.retention is not None:
            raise MemberError(RETENTION_MESSAGE, "retention")
        return self
