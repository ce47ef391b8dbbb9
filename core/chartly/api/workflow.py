"""A Workflow: steps that name profiles exactly, in explicit or compact spelling."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Literal, cast

from pydantic import Field

from chartly.api.diagnosis import parse_model
from chartly.api.documents import Document, Json
from chartly.api.model import Labels, Slug, SpecModel, Unserved
from chartly.api.place import Place, SourceMap
from chartly.api.profile import ObjectMetadata, Spelling, Version, Words, check_envelope
from chartly.names import API_VERSION

StepType = Literal["connector_sync", "normalize", "write_dataset", "analytics_query"]
STEP_KINDS = {
    "connector_sync": "connector",
    "normalize": "normalizer",
    "write_dataset": "storage",
    "analytics_query": "analytics",
}
"""Which kind of profile a step of a type names."""
SPELLINGS: dict[str, tuple[str, str]] = {
    "connector_sync": ("connector_profile", "connector_id"),
    "normalize": ("normalizer_profile", "profile"),
    "write_dataset": ("storage_profile", "dataset_id"),
    "analytics_query": ("analytics_profile", "query_ref"),
}
"""The explicit and the compact field in which a step names its profile."""
START_SAYS = "must start with exactly one connector_sync"
ORDER_SAYS = (
    "after connector_sync come pairs of normalize and write_dataset, "
    "then any number of analytics_query"
)
STREAM_SAYS = "a normalize and the write_dataset after it take the same stream"
VERSION_REUSED_SAYS = "must change when steps or parameters change"


def exactly_one_says(step: str) -> str:
    """What a step is told that names no profile, or two."""
    explicit, compact = SPELLINGS[step]
    return f"{_with_article(step)} step needs exactly one of {explicit}, {compact}"


def takes_kind_says(step: str) -> str:
    """What a step is told that names a profile of another kind."""
    return f"{_with_article(step)} step takes {_with_article(STEP_KINDS[step])} profile"


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


ReferenceText = Annotated[str, Field(min_length=1, max_length=400)]


class When(SpecModel):
    enabled: bool = True
    """A step that is not enabled is left out, also of the digests."""


class _ConnectorSync(SpecModel):
    type: Literal["connector_sync"]
    """Pulls records."""
    connector_profile: ReferenceText | None = Field(default=None, alias="connector_profile")
    """The connector profile."""
    connector_id: ReferenceText | None = Field(default=None, alias="connector_id")
    """The same, in compact spelling."""


class _Normalize(SpecModel):
    type: Literal["normalize"]
    """Makes events of them."""
    normalizer_profile: ReferenceText | None = Field(default=None, alias="normalizer_profile")
    """The normalizer profile."""
    profile: ReferenceText | None = None
    """The same, in compact spelling."""
    stream: Annotated[Slug | None, Unserved()] = None
    """Which of the connector's streams."""


class _WriteDataset(SpecModel):
    type: Literal["write_dataset"]
    """Stores the events."""
    storage_profile: ReferenceText | None = Field(default=None, alias="storage_profile")
    """The storage profile."""
    dataset_id: ReferenceText | None = Field(default=None, alias="dataset_id")
    """The same, in compact spelling."""
    stream: Annotated[Slug | None, Unserved()] = None
    """As in the `normalize` step before it."""


class _AnalyticsQuery(SpecModel):
    type: Literal["analytics_query"]
    """Computes a rollup."""
    analytics_profile: ReferenceText | None = Field(default=None, alias="analytics_profile")
    """The analytics profile."""
    query_ref: ReferenceText | None = Field(default=None, alias="query_ref")
    """The same, in compact spelling."""
    when: When = When.model_construct()
    """Whether the step runs."""


_Step = Annotated[
    _ConnectorSync | _Normalize | _WriteDataset | _AnalyticsQuery, Field(discriminator="type")
]
Quantity = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$", max_length=64)
]
Word = Annotated[str, Field(max_length=253)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]


class Parameter(SpecModel):
    name: Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9]{0,62}$", max_length=128)]
    """The parameter."""
    default: str | int | bool | None = None
    """Its value when a run gives none."""
    required: bool = False
    """Whether a run must give it."""


class CatchUp(SpecModel):
    limit: Annotated[int, Field(ge=0, le=100)] = 1
    """Missed ticks that are made up for at most."""


class Schedule(SpecModel):
    cron: Annotated[str, Field(min_length=1, max_length=200)]
    """When runs start."""
    time_zone: Annotated[str, Field(max_length=128)] = "Etc/UTC"
    """The IANA zone of `cron`."""
    starting_deadline_seconds: Seconds | None = None
    """How late a run may start."""
    catch_up: CatchUp = CatchUp.model_construct()
    """What happens to missed ticks."""


class RunRetry(SpecModel):
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Attempts of a run at most; those that infrastructure ended do not count."""
    backoff_seconds: Seconds = 10
    """The wait before the second one; it doubles from then on, up to five minutes."""


class Deadlines(SpecModel):
    """Seconds a run may wait to start, take, and stay silent."""

    pending: Seconds | None = None
    """To start; without it what the operator was installed with."""
    run: Seconds | None = None
    """To end, all attempts together; without it what the operator was installed with."""
    heartbeat: Annotated[Seconds | None, Unserved()] = None
    """Between signs of life."""


class History(SpecModel):
    keep_succeeded: Annotated[int, Field(ge=0, le=1000)] = 10
    """Finished runs kept that succeeded, the newest."""
    keep_failed: Annotated[int, Field(ge=0, le=1000)] = 10
    """Finished runs kept that did not, the newest."""
    ttl: Seconds | None = None
    """Seconds that a finished run is kept at most."""


class Resources(SpecModel):
    requests: Annotated[dict[Literal["cpu", "memory"], Quantity], Field(max_length=2)] = Field(
        default_factory=dict
    )
    """As in a Pod, for the loader's container."""
    limits: Annotated[dict[Literal["cpu", "memory"], Quantity], Field(max_length=2)] = Field(
        default_factory=dict
    )
    """As in a Pod, for the loader's container."""


class Runtime(SpecModel):
    """What a run's Pod is given in a cluster."""

    resources: Resources = Resources.model_construct()
    """As in a Pod."""
    node_selector: Annotated[dict[str, Word], Field(max_length=64)] = Field(default_factory=dict)
    """As in a Pod."""
    tolerations: Annotated[
        tuple[Annotated[dict[str, Word | int], Field(max_length=8)], ...], Field(max_length=64)
    ] = ()
    """As in a Pod."""
    image_pull_secrets: Annotated[tuple[Word, ...], Field(max_length=16)] = ()
    """Names of Secrets."""


class WorkflowSpec(SpecModel):
    """``spec`` of a Workflow, without its version."""

    steps: Annotated[tuple[_Step, ...], Field(min_length=1, max_length=64)]
    """One `connector_sync`; a pair of `normalize` and `write_dataset`; then any number of
    `analytics_query`.
    """
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=64), Unserved()] = ()
    """What a run may set."""
    schedule: Annotated[Schedule | None, Unserved()] = None
    """Runs by the clock."""
    run_on_apply: Annotated[bool, Unserved()] = False
    """A run for each change."""
    concurrency: Annotated[
        Literal["Forbid", "Queue", "Replace", "Allow"], Unserved(("Replace", "Allow"))
    ] = "Forbid"
    """What happens to a run while another one is active: `Forbid` fails it, `Queue` lets it wait.
    """
    priority: Annotated[int, Field(ge=-1000, le=1000), Unserved()] = 0
    """Which run goes first."""
    retry: RunRetry | None = None
    """New attempts of a failed run, in a cluster."""
    deadlines: Deadlines | None = None
    """How long a run may take, in a cluster."""
    history: History | None = None
    """How many finished runs are kept, in a cluster."""
    runtime: Runtime | None = None
    """What a run's Pod is given in a cluster."""
    suspend: bool = False
    """Starts no runs, in a cluster."""


class _PlaybookMetadata(SpecModel):
    name: Slug
    """The workflow."""
    version: Version
    """An exact version; it must change when steps change."""
    description: Annotated[str, Field(max_length=4096)] = ""
    """Words for people."""
    owners: Words = ()
    """Who answers for it."""
    labels: Labels = Field(default_factory=dict)
    """`domain` names the data domain that the workflow serves."""


class Versioned(SpecModel):
    version: Version
    """An exact version; it must change when steps change."""


@dataclass(frozen=True)
class WrittenStep:
    """One step, whichever way it was spelled; ``reference`` is not yet resolved.

    Attributes:
        field: the member that holds the reference.
    """

    type: StepType
    stream: str | None
    reference: str
    enabled: bool
    field: str = dataclass_field(default="reference", compare=False)


@dataclass(frozen=True)
class Workflow:
    """A parsed workflow.

    Attributes:
        written: the spec as the author wrote it, without its version.
        namespace: where a custom resource lives; None in the playbook's spelling.
        source: the file, or what else the document was read from.
        marks: the lines of the file.
    """

    name: str
    version: str
    spec: WorkflowSpec
    steps: tuple[WrittenStep, ...]
    written: dict[str, Json]
    spelling: Spelling
    source: str
    namespace: str | None = None
    labels: dict[str, str] = dataclass_field(default_factory=dict)
    marks: SourceMap = dataclass_field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return f"workflow {self.name}@{self.version}"

    @property
    def place(self) -> Place:
        return Place(self.source, str(self), marks=self.marks)

    def step_place(self, position: int) -> Place:
        """Where a step's reference stands."""
        return self.place.at("spec", "steps", position, self.steps[position].field)


def parse_workflow(document: Document) -> Workflow:
    """The workflow that a document of kind Workflow says.

    Raises:
        SpecError: with one sentence for each mistake.
    """
    content, unnamed = document.content, document.place.of("Workflow")
    check_envelope(document)
    raw_metadata = cast("dict[str, Json]", content["metadata"])
    written = dict(cast("dict[str, Json]", content["spec"]))
    at_metadata = unnamed.at("metadata")
    if "version" in raw_metadata:
        playbook = parse_model(_PlaybookMetadata, raw_metadata, at_metadata)
        name, version, labels, namespace = playbook.name, playbook.version, playbook.labels, None
    else:
        resource = parse_model(ObjectMetadata, raw_metadata, at_metadata)
        given = {key: written.pop(key) for key in ("version",) if key in written}
        version = parse_model(Versioned, given, unnamed.at("spec")).version
        name, labels, namespace = resource.name, resource.labels, resource.namespace
        parse_model(_Named, {"name": name}, at_metadata)
    at_spec = unnamed.of(f"workflow {name}@{version}").at("spec")
    spec = parse_model(WorkflowSpec, written, at_spec)
    return Workflow(
        name=name,
        version=version,
        spec=spec,
        steps=_steps(spec, at_spec.at("steps")),
        written=written,
        spelling="playbook" if "version" in raw_metadata else "customResource",
        source=document.source,
        namespace=namespace,
        labels=labels,
        marks=document.marks,
    )


class _Named(SpecModel):
    name: Slug
    """The workflow."""


def _steps(spec: WorkflowSpec, place: Place) -> tuple[WrittenStep, ...]:
    return tuple(_step(step, place.at(position)) for position, step in enumerate(spec.steps))


def _step(
    step: _ConnectorSync | _Normalize | _WriteDataset | _AnalyticsQuery, place: Place
) -> WrittenStep:
    spellings = SPELLINGS[step.type]
    given = [(name, text) for name in spellings if (text := getattr(step, name))]
    if len(given) != 1:
        raise place.refusal(exactly_one_says(step.type), allowed=spellings)
    field, reference = given[0]
    return WrittenStep(
        type=step.type,
        stream=getattr(step, "stream", None),
        reference=reference,
        enabled=step.when.enabled if isinstance(step, _AnalyticsQuery) else True,
        field=field,
    )


def as_resource(workflow: Workflow, namespace: str | None) -> dict[str, Json]:
    """The custom resource of a workflow, as ``kubectl apply -f`` takes it."""
    metadata: dict[str, Json] = {"name": workflow.name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if workflow.labels:
        metadata["labels"] = cast("Json", dict(workflow.labels))
    spec: dict[str, Json] = {"version": workflow.version, **workflow.written}
    return {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": metadata, "spec": spec}
