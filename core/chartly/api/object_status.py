"""The statuses of Profiles, Workflows and WorkflowRuns, each bounded in size."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from chartly.api.model import SpecModel
from chartly.warning import MAX_MESSAGE, MAX_OBJECT, MAX_WARNINGS

MAX_ATTEMPTS = 10
"""Attempts in a status; no run has more, whatever their reasons."""
NOT_LOOKED_AT = -1
"""The ``observedGeneration`` of an object that the operator has not reconciled yet."""


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
    """A condition of an object that is true, false or unknown, as in all of Kubernetes."""

    type: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$",
            max_length=316,
        ),
    ]
    """The name of the condition."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation that it refers to."""
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
    """The reason, as one word; `reasons.md` lists them."""
    message: Annotated[str, Field(max_length=32_768)]
    """The reason, as a sentence."""


Conditions = Annotated[tuple[ConditionStatus, ...], Field(max_length=16)]


class ResolvedReference(SpecModel):
    """The profile that a reference resolved to."""

    reference: Reference
    """The reference in full."""
    found_in: Annotated[str, Field(max_length=128)]
    """The project that has the profile, or `global`."""
    digest: Digest
    """The profile's digest."""


ResolvedReferences = Annotated[tuple[ResolvedReference, ...], Field(max_length=64)]


class ProfileStatus(SpecModel):
    """Whether a profile may be used."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the status refers to; -1 until the operator has reconciled it."""
    digest: Digest | None = None
    """The digest of its kind, name, version and spec."""
    conditions: Conditions = ()
    """`Ready`; `Reconciling` and `Stalled` are present only while they are true."""


class ActiveRun(SpecModel):
    """An active run; it stays here until the next one replaces it."""

    run: Name
    """Its name."""
    uid: Annotated[str, Field(max_length=64)]
    """Its uid."""


class WorkflowStatus(SpecModel):
    """Whether a workflow may run, and what its references resolved to."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the status refers to; -1 until the operator has reconciled it."""
    resolved_generation: int | None = None
    """The generation that the resolved profiles are pinned for."""
    config_digest: Digest | None = None
    """The digest of its steps and resolved profiles."""
    resolved_profiles: ResolvedReferences = ()
    """The profiles that the references resolved to; fixed until the workflow changes."""
    datasets: Annotated[tuple[Name, ...], Field(max_length=64)] = ()
    """The datasets that it writes."""
    active: Annotated[tuple[ActiveRun, ...], Field(max_length=64)] = ()
    """The run that has the turn, or had it last."""
    epoch: Annotated[int, Field(ge=0)] | None = None
    """The number of that turn. A Pod of an earlier one can no longer write."""
    conditions: Conditions = ()
    """`Ready`; `Reconciling` and `Stalled` are present only while they are true."""


class FrozenConfig(SpecModel):
    """The frozen inputs of a run."""

    name: Name
    """The ConfigMap with the inputs."""
    digest: Digest
    """The digest of their bytes; a runner refuses others."""
    secret: Annotated[str, Field(max_length=512)] | None = None
    """The Secret and key, as `name/key`, that the connector reads; never a value."""


class PinnedWorkflow(SpecModel):
    """The workflow as it was when the run was frozen."""

    name: Name
    """Its name."""
    version: Annotated[str, Field(max_length=128)]
    """Its version."""
    generation: int
    """Its generation."""


class AttemptStatus(SpecModel):
    """One attempt of a run: one Job, one Pod."""

    number: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
    """The number of the attempt, from 1."""
    job: Name
    """The Job."""
    uid: Annotated[str, Field(max_length=64)] | None = None
    """The Job's uid, once the operator observed it."""
    start: Time
    """When its Job was requested."""
    end: Time | None = None
    """When the operator observed its end."""
    reason: Annotated[str, Field(max_length=128)] | None = None
    """The reason of its end."""
    exit_code: int | None = None
    """The exit code of the container that decides the reason."""
    message: Sentence | None = None
    """The end as a sentence."""


class Output(SpecModel):
    """The result of a run in one dataset."""

    dataset: Name
    """The dataset."""
    rows: Count | None = None
    """Rows written."""
    windows: Count | None = None
    """Windows computed again."""
    fingerprint: Digest | None = None
    """The fingerprint of the rows."""


class RunResult(SpecModel):
    """The counts of a run; read = loaded + rejected + duplicate + filtered + late."""

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
    """Records that could not become events."""
    duplicate: Count | None = None
    """Records of an event that the run had stored already."""
    filtered: Count | None = None
    """Records that a filter of the profile left out; none while `records.filter` is not served."""
    late: Count | None = None
    """Records of events past their retention."""
    corrected: Count | None = None
    """Events whose time was moved."""
    audit_head: Annotated[str, Field(max_length=128)] | None = None
    """The head of the attempt's audit chain."""
    outputs: Annotated[tuple[Output, ...], Field(max_length=64)] = ()
    """The results by dataset."""


class StatusWarning(SpecModel):
    """A warning of a run: what may be wrong although nothing failed."""

    reason: Annotated[str, Field(max_length=128)]
    """The warning, as one word; `reasons.md` lists them."""
    object: Annotated[str, Field(max_length=MAX_OBJECT)]
    """The field or place that it is about."""
    message: Annotated[str, Field(max_length=MAX_MESSAGE)]
    """The warning as a sentence."""
    count: Annotated[int, Field(ge=1)]
    """How often it occurred."""


class WorkflowRunStatus(SpecModel):
    """The state of a run, or how it ended."""

    observed_generation: int = NOT_LOOKED_AT
    """The generation that the status refers to; -1 until the operator has reconciled it."""
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
    """The number of its turn; absent where runs of the workflow take no turns."""
    resolved_profiles: ResolvedReferences = ()
    """The profiles that the references resolved to."""
    attempts: Annotated[tuple[AttemptStatus, ...], Field(max_length=MAX_ATTEMPTS)] = ()
    """Its attempts, oldest first."""
    outcome: Literal["Succeeded", "Failed", "Cancelled"] | None = None
    """The outcome; once set, it never changes."""
    result: RunResult | None = None
    """The counts of the run."""
    warnings: Annotated[tuple[StatusWarning, ...], Field(max_length=MAX_WARNINGS)] = ()
    """What may be wrong although nothing failed."""
    next_retry_time: Time | None = None
    """When the next attempt starts."""
    conditions: Conditions = ()
    """`Succeeded` (Unknown while the run is active), `Finished`, `Frozen`, `Audited`, `Ready`;
    `Reconciling` and `Stalled` are present only while they are true.
    """
