"""A WorkflowRun: one execution of a workflow, requested by name."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chartly.api.diagnosis import parse_model
from chartly.api.documents import Document
from chartly.api.model import Slug, SpecModel, Unserved
from chartly.api.place import Place, SourceMap
from chartly.api.profile import ObjectMetadata, Version, check_envelope

RUN_NAME_LENGTH = 52
RUN_NAME_MESSAGE = f"must have at most {RUN_NAME_LENGTH} characters"
_LEAP = r"([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)"
_DAY = (
    r"([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP}-02-29)"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
LOCAL_FORM = rf"{_DAY}(T{_TIME})?"
INSTANT_FORM = rf"{_DAY}T{_TIME}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_LOCAL = re.compile(LOCAL_FORM)
_INSTANT = re.compile(INSTANT_FORM)
INSTANT_MESSAGE = "must be an RFC 3339 instant such as 2026-02-02T00:00:00Z"
OFFSET_MESSAGE = "needs an offset, such as Z"
WINDOW_MESSAGE = "start must be before end"
RUN_CHANGED_MESSAGE = "a run never changes; only control may"


def _checked_instant(text: str) -> str:
    if _LOCAL.fullmatch(text) is not None:
        raise ValueError(OFFSET_MESSAGE)
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(INSTANT_MESSAGE)
    return text


def parse_instant(text: str) -> datetime:
    """Parses an instant in RFC 3339.

    Raises:
        ValueError: the text is no instant, or has no offset.
    """
    # Python alone would accept a week as a day, and read an offset of +10:60 as +11:00.
    return datetime.fromisoformat(_checked_instant(text))


Instant = Annotated[str, Field(max_length=64), AfterValidator(_checked_instant)]


class WorkflowRef(SpecModel):
    name: Slug
    """The workflow."""
    version: Version | None = None
    """Its version; without it the version in the cluster or folder."""


class Trigger(SpecModel):
    """The origin of a run."""

    type: Annotated[
        Literal["manual", "api", "schedule", "apply", "backfill", "rerun"],
        Unserved(("api", "schedule", "apply", "backfill", "rerun")),
    ] = "manual"
    """What requested the run."""
    scheduled_time: Annotated[Instant | None, Unserved()] = None
    """The tick of the schedule."""
    key: Annotated[Annotated[str, Field(max_length=256)] | None, Unserved()] = None
    """Deduplicates requests: two with one key are one run."""
    requested_by: Annotated[Annotated[str, Field(max_length=256)] | None, Unserved()] = None
    """Who requested the run."""
    full_refresh: Annotated[bool, Unserved()] = False
    """Pulls from the beginning instead of from the last cursor."""


class RunWindow(SpecModel):
    """The half-open time range that analytics are computed for."""

    start: Instant
    """The first instant."""
    end: Instant
    """The first instant after it."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if parse_instant(self.start) >= parse_instant(self.end):
            raise ValueError(WINDOW_MESSAGE)
        return self


class Control(SpecModel):
    suspend: bool = False
    """Keeps the run from starting."""
    cancel: Literal["terminate"] | None = None
    """Stops the run at once; committed pages stay."""


class WorkflowRunSpec(SpecModel):
    """``spec`` of a WorkflowRun; only ``control`` may change."""

    workflow_ref: WorkflowRef
    """The workflow to run."""
    trigger: Trigger = Trigger.model_construct()
    """The origin of the run."""
    window: RunWindow | None = None
    """The time range of analytics, instead of the windows of the run's events."""
    parameters: Annotated[dict[str, str | int | bool], Field(max_length=64), Unserved()] = Field(
        default_factory=dict
    )
    """Values of the workflow's parameters."""
    rerun_of: Annotated[Annotated[str, Field(max_length=RUN_NAME_LENGTH)] | None, Unserved()] = None
    """The run whose frozen inputs this run uses."""
    control: Control = Control.model_construct()
    """The only part that may change."""


@dataclass(frozen=True)
class WorkflowRun:
    name: str
    spec: WorkflowRunSpec
    source: str
    namespace: str | None
    marks: SourceMap = field(default_factory=dict, compare=False, repr=False)

    @property
    def place(self) -> Place:
        return Place(self.source, f"run {self.name}", marks=self.marks)


def parse_workflow_run(document: Document) -> WorkflowRun:
    """Parses a document of kind WorkflowRun.

    Raises:
        SpecError: with a problem for each mistake.
    """
    content, unnamed = document.content, document.place.of("WorkflowRun")
    check_envelope(document)
    metadata = parse_model(ObjectMetadata, content["metadata"], unnamed.at("metadata"))
    place = unnamed.of(f"run {metadata.name}")
    if len(metadata.name) > RUN_NAME_LENGTH:
        raise place.at("metadata", "name").refusal(RUN_NAME_MESSAGE, value=metadata.name)
    spec = parse_model(WorkflowRunSpec, content["spec"], place.at("spec"))
    return WorkflowRun(metadata.name, spec, document.source, metadata.namespace, document.marks)
