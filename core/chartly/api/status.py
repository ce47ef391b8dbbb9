"""What the operator says of Profiles, Workflows and WorkflowRuns: small, and nothing that grows."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from chartly.api.model import SpecModel
from chartly.warning import MAX_MESSAGE, MAX_OBJECT, MAX_WARNINGS

MAX_ATTEMPTS = 10
"""Attempts that a status holds; no run has more, whatever their reasons."""
NOT_LOOKED_AT = -1
"""The ``observedGeneration`` of an object that the operator has not looked at."""


@dataclass(frozen=True)
class TextFormat:
    """A form of text that the API server checks by name."""

    name: str


Name = Annotated[str, Field(max_length=253)]
Digest = Annotated[str, Field(max_length=128)]
Reference = Annotated[str, Field(max_length=400)]
Time = Annotated[str, Field(max_length=64), TextFormat("date-time")]
Sentence = Annotated[str, Field(max_length=4096)]
Count = Annotated[int, Field(ge=0)]


class ConditionStatus(SpecModel):
    """One thing that is true of an object, false, or not known yet; as in all of Kubernetes."""

    type: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$",
            max_length=316,
        ),
    ]
    """What is said."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation that it is said of."""
    last_transition_time: Time
    """When `status` last changed."""
    reason: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            min_length=1,
            max_length=1024,
        ),
    ]
    """Why, as one word; `reasons.md` lists them."""
    message: Annotated[str, Field(max_length=32_768)]
    """Why, as a sentence."""


Conditions = Annotated[tuple[ConditionStatus, ...], Field(max_length=16)]


class ResolvedReference(SpecModel):
    """What a reference resolved to."""

    reference: Reference
    """The reference in full."""
    found_in: Annotated[str, Field(max_length=128)]
    """The project that had the profile, or `global`."""
    digest: Digest
    """The profile's digest."""


ResolvedReferences = Annotated[tuple[ResolvedReference, ...], Field(max_length=64)]


class ProfileStatus(SpecModel):
    """Whether a profile may be used."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the rest is about; -1 until it was looked at."""
    digest: Digest | None = None
    """The digest of its kind, name, version and spec."""
    conditions: Conditions = ()
    """`Ready`; `Reconciling` and `Stalled` are there only while they are true."""


class ActiveRun(SpecModel):
    """A run that goes on; it is left there until the next one takes its place."""

    run: Name
    """Its name."""
    uid: Annotated[str, Field(max_length=64)]
    """Its uid."""


class WorkflowStatus(SpecModel):
    """Whether a workflow may run, and what its references resolved to."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the rest is about; -1 until it was looked at."""
    resolved_generation: int | None = None
    """The generation that the resolved profiles are pinned for."""
    config_digest: Digest | None = None
    """The digest of its steps and resolved profiles."""
    resolved_profiles: ResolvedReferences = ()
    """What each reference resolved to; it stays so until the workflow changes."""
    datasets: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    """The datasets that it writes."""
    active: Annotated[tuple[ActiveRun, ...], Field(max_length=64)] = ()
    """The run whose turn it is, or was last."""
    epoch: Annotated[int, Field(ge=0)] | None = None
    """The number of that turn. A Pod of an earlier one can no longer write."""
    conditions: Conditions = ()
    """`Ready`; `Reconciling` and `Stalled` are there only while they are true."""


class FrozenConfig(SpecModel):
    """The frozen inputs of a run."""

    name: Name
    """The ConfigMap that holds them."""
    digest: Digest
    """The digest of their bytes; a runner refuses others."""
    secret: Annotated[str, Field(max_length=512)] | None = None
    """The Secret and key, as `name/key`, that the connector is given; never a value."""


class PinnedWorkflow(SpecModel):
    """The workflow as it was when the run was frozen."""

    name: Name
    """Its name."""
    version: Annotated[str, Field(max_length=128)]
    """Its version."""
    generation: int
    """Its generation."""


class AttemptStatus(SpecModel):
    """One try of a run: one Job, one Pod."""

    number: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
    """Which try it is, from 1."""
    job: Name
    """The Job."""
    uid: Annotated[str, Field(max_length=64)] | None = None
    """The Job's uid, once it was seen."""
    start: Time
    """When it was asked for."""
    end: Time | None = None
    """When its end was seen."""
    reason: Annotated[str, Field(max_length=128)] | None = None
    """How it ended."""
    exit_code: int | None = None
    """What the container ended with that tells the reason."""
    message: Sentence | None = None
    """How it ended, as a sentence."""


class Output(SpecModel):
    """What a run wrote into one dataset."""

    dataset: Name
    """The dataset."""
    rows: Count | None = None
    """Rows written."""
    windows: Count | None = None
    """Windows computed anew."""
    fingerprint: Digest | None = None
    """The fingerprint of the rows."""


class RunResult(SpecModel):
    """What a run did; read = loaded + rejected + duplicate + filtered + late."""

    pages: Count | None = None
    """Pages committed."""
    requests: Count | None = None
    """Requests sent."""
    retries: Count | None = None
    """Requests sent again."""
    bytes: Count | None = None
    """Bytes of pages."""
    read: Count | None = None
    """Records read."""
    loaded: Count | None = None
    """Records stored as events."""
    rejected: Count | None = None
    """Records that may not become events."""
    duplicate: Count | None = None
    """Records of an event that the run had already."""
    filtered: Count | None = None
    """Records left out by a filter of the profile; none while `records.filter` is not served."""
    late: Count | None = None
    """Records of events past their retention."""
    corrected: Count | None = None
    """Events whose time was moved."""
    audit_head: Annotated[str, Field(max_length=128)] | None = None
    """The head of the attempt's audit chain."""
    outputs: Annotated[tuple[Output, ...], Field(max_length=64)] = ()
    """What was written, by dataset."""


class StatusWarning(SpecModel):
    """What may be wrong with a run although nothing failed."""

    reason: Annotated[str, Field(max_length=128)]
    """Which warning, as one word; `reasons.md` lists them."""
    object: Annotated[str, Field(max_length=MAX_OBJECT)]
    """The field or place that it is about."""
    message: Annotated[str, Field(max_length=MAX_MESSAGE)]
    """The warning as a sentence."""
    count: Annotated[int, Field(ge=1)]
    """How often it was met."""


class WorkflowRunStatus(SpecModel):
    """What a run is doing, or how it ended."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the rest is about; -1 until it was looked at."""
    project: Annotated[str, Field(max_length=128)] | None = None
    """The project, as `tenant/project`."""
    run_id: Name | None = None
    """The run's identity in the store."""
    frozen_at: Time | None = None
    """When its inputs were frozen; the `ingested_at` of its events."""
    config: FrozenConfig | None = None
    """Its frozen inputs."""
    run_digest: Digest | None = None
    """The digest of everything that decides its output."""
    workflow: PinnedWorkflow | None = None
    """The workflow as it was then."""
    epoch: Annotated[int, Field(ge=0)] | None = None
    """The number of its turn; none where runs of the workflow take no turns."""
    resolved_profiles: ResolvedReferences = ()
    """What each reference resolved to."""
    attempts: Annotated[tuple[AttemptStatus, ...], Field(max_length=MAX_ATTEMPTS)] = ()
    """Its attempts, oldest first."""
    outcome: Literal["Succeeded", "Failed", "Cancelled"] | None = None
    """How it ended; once it is there it never changes."""
    result: RunResult | None = None
    """What it did."""
    warnings: Annotated[tuple[StatusWarning, ...], Field(max_length=MAX_WARNINGS)] = ()
    """What may be wrong with it although nothing failed."""
    next_retry_time: Time | None = None
    """When the next attempt starts."""
    conditions: Conditions = ()
    """`Succeeded` (Unknown while it goes on), `Finished`, `Frozen`, `Audited`, `Ready`;
    `Reconciling` and `Stalled` are there only while they are true.
    """
