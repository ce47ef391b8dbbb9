"""A Profile in either spelling: the playbook's, or the custom resource of kubectl."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field

from chartly.api.analytics import AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.diagnosis import parse_model
from chartly.api.documents import Document, Json
from chartly.api.model import Annotations, Labels, Namespace, Slug, SpecModel
from chartly.api.normalizer import NULL_MESSAGE, NormalizerSpec
from chartly.api.place import Place, SourceMap, redacted_name
from chartly.api.reference import PROFILE_KINDS, ProfileId, ProfileKind
from chartly.api.storage import StorageSpec
from chartly.api.text_forms import OBJECT_NAME
from chartly.api.version import parse_version
from chartly.errors import Problem, SpecError
from chartly.names import API_VERSION, DEPRECATED_ANNOTATION

Spelling = Literal["playbook", "customResource"]
Spec = ConnectorSpec | NormalizerSpec | StorageSpec | AnalyticsSpec
SPEC_MODELS: dict[ProfileKind, type[Spec]] = {
    "connector": ConnectorSpec,
    "normalizer": NormalizerSpec,
    "storage": StorageSpec,
    "analytics": AnalyticsSpec,
}


def _checked_version(text: str) -> str:
    try:
        return parse_version(text)
    except SpecError as error:
        raise ValueError(error.problems[0].why) from None


Version = Annotated[str, Field(max_length=128), AfterValidator(_checked_version)]
Words = Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=64)]
OBJECT_NAME_MESSAGE = "must be <kind>-<name>-<version>, here"


class _Identity(SpecModel):
    kind: ProfileKind
    """The kind of profile."""
    name: Slug
    """Its name."""
    version: Version
    """An exact version (SemVer 2.0); its content never changes."""
    description: Annotated[str, Field(max_length=4096)] = ""
    """Words for people; no part of the digest."""
    owners: Words = ()
    """Who is responsible for it; no part of the digest."""


class PlaybookMetadata(_Identity):
    """``metadata`` in the spelling of the playbook."""

    labels: Labels = Field(default_factory=dict)
    """Free labels; no part of the digest."""
    annotations: Annotations = Field(default_factory=dict)
    """Free annotations; `chartly.io/deprecated` gives the reason not to use it any more."""


class ObjectMetadata(SpecModel):
    """``metadata`` of a custom resource; allows what the API server adds."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(pattern=OBJECT_NAME, max_length=253)]
    """`<kind>-<name>-<version>` for a profile."""
    namespace: Namespace | None = None
    """The project's namespace; `chartly-global` for what projects share."""
    labels: Labels = Field(default_factory=dict)
    """Free labels; no part of the digest."""
    annotations: Annotations = Field(default_factory=dict)
    """Free annotations; `chartly.io/deprecated` gives the reason not to use it any more."""


Section = Annotated[dict[str, object], Field(max_length=64)]


class ResourceSpec(_Identity):
    """``spec`` of the custom resource: identity, and the spec of its own kind."""

    connector: Section | None = None
    """The spec, when kind is connector."""
    normalizer: Section | None = None
    """The spec, when kind is normalizer."""
    storage: Section | None = None
    """The spec, when kind is storage."""
    analytics: Section | None = None
    """The spec, when kind is analytics."""


@dataclass(frozen=True)
class Profile:
    """A parsed profile.

    Attributes:
        spec: the model, defaults filled in.
        written: the spec of its kind as the author wrote it; digests are made of this.
        namespace: where a custom resource lives; None in the playbook's spelling.
        deprecated: the reason not to use it any more; None if it is not deprecated.
        source: the file, or what else the document was read from.
        marks: the lines of the file.
    """

    id: ProfileId
    spec: Spec
    written: dict[str, Json]
    spelling: Spelling
    source: str
    namespace: str | None = None
    deprecated: str | None = None
    description: str = ""
    owners: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    marks: SourceMap = field(default_factory=dict, compare=False, repr=False)

    @property
    def place(self) -> Place:
        return Place(self.source, str(self.id), marks=self.marks)

    @property
    def spec_place(self) -> Place:
        """The place of the spec of its kind."""
        kind = (self.id.kind,) if self.spelling == "customResource" else ()
        return self.place.at("spec", *kind)

    def located(self, problem: Problem) -> Problem:
        """A problem of the profile, whose path is the playbook's, as its file spells the path."""
        first, _, rest = problem.path.partition(".")
        place = self.spec_place if first == "spec" else self.place.at(*filter(None, [first]))
        return place.around(replace(problem, path=rest))


def parse_profile(document: Document) -> Profile:
    """Parses a document of kind Profile, in either spelling.

    Raises:
        SpecError: with a problem for each mistake.
    """
    content = document.content
    check_envelope(document)
    metadata = content.get("metadata")
    in_playbook = isinstance(metadata, dict) and ("kind" in metadata or "version" in metadata)
    return _from_playbook(document) if in_playbook else _from_resource(document)


def check_envelope(document: Document) -> None:
    """Validates apiVersion, and that the document has metadata, spec, status and nothing else.

    Raises:
        SpecError: another version, an unknown field, or no metadata or spec.
    """
    content, place = document.content, document.place.of(document.content.get("kind"))
    version = content.get("apiVersion")
    if version != API_VERSION:
        raise place.at("apiVersion").refusal(
            f"must be {API_VERSION}", value=version, allowed=(API_VERSION,)
        )
    for name in content:
        if name not in ("apiVersion", "kind", "metadata", "spec", "status"):
            why = f"unknown field {redacted_name(name)!r}; allowed are metadata, spec"
            problem = place.problem(why, allowed=("metadata", "spec"))
            raise SpecError([replace(problem, line=place.at(name).line)])
    for name in ("metadata", "spec"):
        if not isinstance(content.get(name), dict):
            raise place.at(name).refusal("is required and must be an object")


def _from_playbook(document: Document) -> Profile:
    content, place = document.content, document.place
    metadata = parse_model(
        PlaybookMetadata, content["metadata"], place.of("Profile").at("metadata")
    )
    written = cast("dict[str, Json]", content["spec"])
    profile_id = ProfileId(metadata.kind, metadata.name, metadata.version)
    return Profile(
        id=profile_id,
        spec=_parsed_spec(profile_id, written, place.of(profile_id).at("spec")),
        written=written,
        spelling="playbook",
        source=document.source,
        deprecated=metadata.annotations.get(DEPRECATED_ANNOTATION),
        description=metadata.description,
        owners=metadata.owners,
        labels=metadata.labels,
        marks=document.marks,
    )


def _from_resource(document: Document) -> Profile:
    content, unnamed = document.content, document.place.of("Profile")
    metadata = parse_model(ObjectMetadata, content["metadata"], unnamed.at("metadata"))
    spec = cast("dict[str, Json]", content["spec"])
    resource = parse_model(ResourceSpec, spec, unnamed.at("spec"))
    profile_id = ProfileId(resource.kind, resource.name, resource.version)
    place, name = unnamed.of(profile_id), profile_id.object_name
    if metadata.name != name:
        raise place.at("metadata", "name").refusal(
            f"{OBJECT_NAME_MESSAGE} {name!r}", value=metadata.name, allowed=(name,)
        )
    for kind in PROFILE_KINDS:
        if (kind in spec) != (kind == resource.kind):
            why = "is required" if kind == resource.kind else f"kind is {resource.kind}"
            raise place.at("spec", kind).refusal(why)
    written = cast("dict[str, Json]", spec[resource.kind])
    return Profile(
        id=profile_id,
        spec=_parsed_spec(profile_id, written, place.at("spec", resource.kind)),
        written=written,
        spelling="customResource",
        source=document.source,
        namespace=metadata.namespace,
        deprecated=metadata.annotations.get(DEPRECATED_ANNOTATION),
        description=resource.description,
        owners=resource.owners,
        labels=metadata.labels,
        marks=document.marks,
    )


def _parsed_spec(profile: ProfileId, written: dict[str, Json], place: Place) -> Spec:
    """Validates the spec of a profile.

    Raises:
        SpecError: it has mistakes, or a transform has a null where a word is meant.
    """
    spec = parse_model(SPEC_MODELS[profile.kind], written, place)
    transforms = written.get("transforms")
    nulls = [
        place.at("transforms", position, "onError").problem(NULL_MESSAGE)
        for position, transform in enumerate(transforms if isinstance(transforms, list) else ())
        if isinstance(transform, dict) and transform.get("onError", "") is None
    ]
    if nulls:
        raise SpecError(nulls)
    return spec


def as_resource(profile: Profile, namespace: str | None) -> dict[str, Json]:
    """The custom resource of a profile, for ``kubectl apply -f``."""
    metadata: dict[str, Json] = {"name": profile.id.object_name}
    if namespace is not None:
        metadata["namespace"] = namespace
    if profile.labels:
        metadata["labels"] = cast("Json", dict(profile.labels))
    if profile.deprecated is not None:
        metadata["annotations"] = {DEPRECATED_ANNOTATION: profile.deprecated}
    spec: dict[str, Json] = {
        "kind": profile.id.kind,
        "name": profile.id.name,
        "version": profile.id.version,
    }
    if profile.description:
        spec["description"] = profile.description
    if profile.owners:
        spec["owners"] = list(profile.owners)
    spec[profile.id.kind] = profile.written
    return {"apiVersion": API_VERSION, "kind": "Profile", "metadata": metadata, "spec": spec}
