"""A Workflow in either spelling: the playbook's, or the custom resource of kubectl."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Literal, cast

from pydantic import Field

from chartly.api.diagnosis import parse_model
from chartly.api.documents import Document, Json
from chartly.api.model import Labels, Slug, SpecModel, Unserved
from chartly.api.place import Place, SourceMap
from chartly.api.profile import ObjectMetadata, Spelling, Version, Words, check_envelope
from chartly.api.run_policy import Deadlines, History, Parameter, RunRetry, Runtime, Schedule
from chartly.api.workflow_step import Step, WrittenStep, written_step
from chartly.names import API_VERSION

VERSION_REUSED_MESSAGE = "must change when steps or parameters change"


class WorkflowSpec(SpecModel):
    """``spec`` of a Workflow, without its version."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=64)]
    """One `connector_sync`; a pair of `normalize` and `write_dataset`; then any number of
    `analytics_query`.
    """
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=64), Unserved()] = ()
    """Parameters that a run may set."""
    schedule: Annotated[Schedule | None, Unserved()] = None
    """Starts runs by a schedule."""
    run_on_apply: Annotated[bool, Unserved()] = False
    """Starts a run for each change."""
    concurrency: Annotated[
        Literal["Forbid", "Queue", "Replace", "Allow"], Unserved(("Replace", "Allow"))
    ] = "Forbid"
    """What happens to a run while another one is active: `Forbid` fails it, `Queue` delays it.
    """
    priority: Annotated[int, Field(ge=-1000, le=1000), Unserved()] = 0
    """Which run starts first."""
    retry: RunRetry | None = None
    """New attempts of a failed run, in a cluster."""
    deadlines: Deadlines | None = None
    """Deadlines of a run, in a cluster."""
    history: History | None = None
    """How many finished runs are kept, in a cluster."""
    runtime: Runtime | None = None
    """Settings of a run's Pod, in a cluster."""
    suspend: bool = False
    """Starts no runs, in a cluster."""


class _PlaybookMetadata(SpecModel):
    name: Slug
    """The workflow."""
    version: Version
    """An exact version; it must change when steps change."""
    description: Annotated[str, Field(max_length=4096)] = ""
    """A description for people."""
    owners: Words = ()
    """Who is responsible for it."""
    labels: Labels = Field(default_factory=dict)
    """`domain` names the data domain that the workflow serves."""


class Versioned(SpecModel):
    version: Version
    """An exact version; it must change when steps change."""


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
        """The place of a step's reference."""
        return self.place.at("spec", "steps", position, self.steps[position].field)


def parse_workflow(document: Document) -> Workflow:
    """Parses a document of kind Workflow, in either spelling.

    Raises:
        SpecError: with a problem for each mistake.
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
        steps=tuple(
            written_step(step, at_spec.at("steps", position))
            for position, step in enumerate(spec.steps)
        ),
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


def as_resource(workflow: Workflow, namespace: str | None) -> dict[str, Json]:
    """The custom resource of a workflow, for ``kubectl apply -f``."""
    metadata: dict[str, Json] = {"name": workflow.name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if workflow.labels:
        metadata["labels"] = cast("Json", dict(workflow.labels))
    spec: dict[str, Json] = {"version": workflow.version, **workflow.written}
    return {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": metadata, "spec": spec}
