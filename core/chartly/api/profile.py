"""A Profile in either spelling: the playbook's, or the custom resource that kubectl takes."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field

from chartly.api.analytics import AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.diagnosis import InvalidObjectError, parse_model
from chartly.api.documents import Document, Json
from chartly.api.model import Annotations, Labels, Namespace, Slug, SpecModel
from chartly.api.normalizer import NULL_SAYS, NormalizerSpec
from chartly.api.reference import PROFILE_KINDS, ProfileId, ProfileKind
from chartly.api.storage import StorageSpec
from chartly.api.version import parse_version
from chartly.errors import SpecError
from chartly.names import API_VERSION, DEPRECATED_ANNOTATION

Spelling = Literal["playbook", "customResource"]
Spec = ConnectorSpec | NormalizerSpec | StorageSpec | AnalyticsSpec
SPEC_MODELS: dict[ProfileKind, type[Spec]] = {
    "connector": ConnectorSpec,
    "normalizer": NormalizerSpec,
    "storage": StorageSpec,
    "analytics": AnalyticsSpec,
}


def _version(text: str) -> str:
    try:
        return parse_version(text)
    except SpecError as error:
        raise ValueError(error.message) from None


Version = Annotated[str, Field(max_length=128), AfterValidator(_version)]
Words = Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=64)]
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
OBJECT_NAME_SAYS = "must be <kind>-<name>-<version>, here"


class _Identity(SpecModel):
    kind: ProfileKind
    """Which of the four policies it is."""
    name: Slug
    """Its name."""
    version: Version
    """An exact version (SemVer 2.0); what it says never changes."""
    description: Annotated[str, Field(max_length=4096)] = ""
    """Words for people; no part of the digest."""
    owners: Words = ()
    """Who answers for it; no part of the digest."""


class PlaybookMetadata(_Identity):
    """``metadata`` as the playbook spells it."""

    labels: Labels = Field(default_factory=dict)
    """Free labels; no part of the digest."""
    annotations: Annotations = Field(default_factory=dict)
    """Free annotations; `chartly.io/deprecated` tells why it should no longer be used."""


class ObjectMetadata(SpecModel):
    """``metadata`` of a custom resource; what the API server adds is let through."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(pattern=OBJECT_NAME, max_length=253)]
    """`<kind>-<name>-<version>` for a profile."""
    namespace: Namespace | None = None
    """The project's namespace; `chartly-global` for what projects share."""
    labels: Labels = Field(default_factory=dict)
    """Free labels; no part of the digest."""
    annotations: Annotations = Field(default_factory=dict)
    """Free annotations; `chartly.io/deprecated` tells why it should no longer be used."""


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
        deprecated: why it should no longer be used, if so.
        source: the file, or what else the document was read from.
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


def parse_profile(document: Document) -> Profile:
    """The profile that a document of kind Profile says.

    Raises:
        SpecError: with one sentence for each mistake.
    """
    content = document.content
    where = document.source
    check_envelope(content, where)
    metadata = content.get("metadata")
    spelled = isinstance(metadata, dict) and ("kind" in metadata or "version" in metadata)
    return _from_playbook(content, where) if spelled else _from_resource(content, where)


def check_envelope(content: dict[str, Json], where: str) -> None:
    """Whether apiVersion is ours and nothing stands beside metadata, spec and status.

    Raises:
        SpecError: otherwise.
    """
    if content.get("apiVersion") != API_VERSION:
        raise SpecError(f"{where}: apiVersion: must be {API_VERSION}")
    for name in content:
        if name not in ("apiVersion", "kind", "metadata", "spec", "status"):
            raise SpecError(f"{where}: unknown field {name!r}; allowed are metadata, spec")
    for name in ("metadata", "spec"):
        if not isinstance(content.get(name), dict):
            raise SpecError(f"{where}: {name}: is required and must be an object")


def _from_playbook(content: dict[str, Json], where: str) -> Profile:
    metadata = parse_model(PlaybookMetadata, content["metadata"], where, "metadata")
    written = cast("dict[str, Json]", content["spec"])
    profile_id = ProfileId(metadata.kind, metadata.name, metadata.version)
    return Profile(
        id=profile_id,
        spec=_spec(profile_id, written, where, "spec"),
        written=written,
        spelling="playbook",
        source=where,
        deprecated=metadata.annotations.get(DEPRECATED_ANNOTATION),
        description=metadata.description,
        owners=metadata.owners,
        labels=metadata.labels,
    )


def _from_resource(content: dict[str, Json], where: str) -> Profile:
    metadata = parse_model(ObjectMetadata, content["metadata"], where, "metadata")
    spec = cast("dict[str, Json]", content["spec"])
    resource = parse_model(ResourceSpec, spec, where, "spec")
    profile_id = ProfileId(resource.kind, resource.name, resource.version)
    if metadata.name != profile_id.object_name:
        raise SpecError(
            f"{where}: metadata.name: {metadata.name!r} {OBJECT_NAME_SAYS} "
            f"{profile_id.object_name!r}"
        )
    for kind in PROFILE_KINDS:
        if (kind in spec) != (kind == resource.kind):
            raise SpecError(
                f"{where}: {profile_id}: spec.{kind}: "
                + ("is required" if kind == resource.kind else f"kind is {resource.kind}")
            )
    written = cast("dict[str, Json]", spec[resource.kind])
    return Profile(
        id=profile_id,
        spec=_spec(profile_id, written, where, f"spec.{resource.kind}"),
        written=written,
        spelling="customResource",
        source=where,
        namespace=metadata.namespace,
        deprecated=metadata.annotations.get(DEPRECATED_ANNOTATION),
        description=resource.description,
        owners=resource.owners,
        labels=metadata.labels,
    )


def _spec(profile: ProfileId, written: dict[str, Json], where: str, field: str) -> Spec:
    """The spec that was written.

    Raises:
        InvalidObjectError: it has mistakes, or a transform has a null where a word is meant.
    """
    named = f"{where}: {profile}"
    spec = parse_model(SPEC_MODELS[profile.kind], written, named, field)
    transforms = written.get("transforms")
    nulls = [
        f"{named}: {field}.transforms[{place}].onError: {NULL_SAYS}"
        for place, one in enumerate(transforms if isinstance(transforms, list) else ())
        if isinstance(one, dict) and one.get("onError", "") is None
    ]
    if nulls:
        raise InvalidObjectError(nulls)
    return spec


def as_resource(profile: Profile, namespace: str | None) -> dict[str, Json]:
    """The custom resource of a profile, as ``kubectl apply -f`` takes it."""
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
