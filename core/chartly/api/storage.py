"""The storage profile: where canonical events are kept, how long, and in what columns."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.columns import ColumnTypeText
from chartly.api.model import Bytes, FieldName, Slug, SpecModel

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(SpecModel):
    """Retention by event time; rows older than ``days`` count as ``late``."""

    days: Days
    from_: Annotated[FieldName, Field(alias="from")]


class Partitioning(SpecModel):
    """``by[0]`` is the time column of the dataset."""

    by: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=1)]
    granularity: Literal["hour", "day", "week", "month", "year"] = "day"


class Indexing(SpecModel):
    fields: Annotated[tuple[FieldName, ...], Field(max_length=32)] = ()


class Raw(SpecModel):
    """Whether the pages as received are kept, and how long."""

    enabled: bool = False
    dataset: Slug | None = None
    retention_days: Days = 7


class StorageSpec(SpecModel):
    """The spec of a storage profile."""

    dataset: Slug
    retention_days: Days | None = None
    retention: Retention | None = None
    partitioning: Partitioning | None = None
    indexing: Indexing = Indexing.model_construct()
    columns: dict[FieldName, ColumnTypeText] = Field(default_factory=dict)
    max_bytes: Bytes = 1 << 40
    write_mode: Literal["append", "replace"] = "append"
    raw: Raw = Raw.model_construct()

    @model_validator(mode="after")
    def _one_retention(self) -> Self:
        if self.retention_days is not None and self.retention is not None:
            raise ValueError("give retentionDays or retention, not both")
        return self
