"""A WorkflowRun: one execution of a workflow, asked for by name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chartly.api.diagnosis import parse_model
from chartly.api.documents import Document
from chartly.api.model import Slug, SpecModel
from chartly.api.profile import ObjectMetadata, Version, check_envelope
from chartly.errors import SpecError

RUN_NAME_LENGTH = 52


def _instant(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an RFC 3339 instant such as 2026-02-02T00:00:00Z") from None
    if when.tzinfo is None:
        raise ValueError("needs an offset, such as Z")
    return text


Instant = Annotated[str, AfterValidator(_instant)]


class WorkflowRef(SpecModel):
    name: Slug
    """The workflow."""
    version: Version | None = None
    """Its version; without it the one that stands there."""


class Trigger(SpecModel):
    """Who or what asked for the run."""

    type: Literal["manual", "api", "schedule", "apply", "backfill", "rerun"] = "manual"
    """What asked for the run."""
    scheduled_time: Instant | None = None
    """The tick it is for."""
    key: Annotated[str, Field(max_length=256)] | None = None
    """Makes asking twice one run."""
    requested_by: Annotated[str, Field(max_length=256)] | None = None
    """Who asked."""
    full_refresh: bool = False
    """Starts from the beginning instead of the last cursor."""


class RunWindow(SpecModel):
    """The half-open time range that analytics are computed for."""

    start: Instant
    """The first instant."""
    end: Instant
    """The first instant after it."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if datetime.fromisoformat(self.start) >= datetime.fromisoformat(self.end):
            raise ValueError("start must be before end")
        return self


class Control(SpecModel):
    suspend: bool = False
    """Keeps the run from starting."""
    cancel: Literal["graceful", "terminate"] | None = None
    """Asks the run to stop: after the page at hand, or at once."""


class WorkflowRunSpec(SpecModel):
    """``spec`` of a WorkflowRun; only ``control`` may change."""

    workflow_ref: WorkflowRef
    """What is run."""
    trigger: Trigger = Trigger.model_construct()
    """Who or what asked for it."""
    window: RunWindow | None = None
    """The range of time that analytics are computed for, instead of what the run touched."""
    parameters: dict[str, str | int | bool] = Field(default_factory=dict)
    """Values of the workflow's parameters."""
    rerun_of: str | None = None
    """The run whose frozen inputs are used again."""
    control: Control = Control.model_construct()
    """The only part that may change."""


@dataclass(frozen=True)
class WorkflowRun:
    name: str
    spec: WorkflowRunSpec
    source: str
    namespace: str | None


def parse_workflow_run(document: Document) -> WorkflowRun:
    """The run that a document of kind WorkflowRun asks for.

    Raises:
        SpecError: with one sentence for each mistake.
    """
    content, where = document.content, document.source
    check_envelope(content, where)
    metadata = parse_model(ObjectMetadata, content["metadata"], where, "metadata")
    if len(metadata.name) > RUN_NAME_LENGTH:
        raise SpecError(f"{where}: metadata.name: at most {RUN_NAME_LENGTH} characters")
    spec = parse_model(WorkflowRunSpec, content["spec"], f"{where}: run {metadata.name}", "spec")
    return WorkflowRun(metadata.name, spec, where, metadata.namespace)
