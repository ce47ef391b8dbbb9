"""References: ``tenant/project::kind/name@version``, with one parser and one spelling."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from chartly.api.place import Place
from chartly.api.suggestion import suggestion_for
from chartly.api.version import LATEST, LATEST_MESSAGE, VERSION_MESSAGE, is_version
from chartly.names import GLOBAL, SLUG_RULE, is_slug

ProfileKind = Literal["connector", "normalizer", "storage", "analytics"]
PROFILE_KINDS: tuple[ProfileKind, ...] = get_args(ProfileKind)

FORM = "[tenant/project:: | global::]kind/name@x.y.z"
SHAPE = r"((?P<scope>[^:]*)::)?(?P<kind>[^/:@]*)/(?P<name>[^/:@]*)@(?P<version>[^@]*)"
_SHAPE = re.compile(SHAPE)
SHAPE_MESSAGE = f"must have the form {FORM}"
KIND_MESSAGE = f"is not one of {', '.join(PROFILE_KINDS)}"
NAME_MESSAGE = f"is not allowed; it takes {SLUG_RULE}"
PROJECT_MESSAGE = f"must be tenant/project, each {SLUG_RULE}"
_NOWHERE = Place(object="reference")


@dataclass(frozen=True, order=True)
class Project:
    """A tenant's project: the scope that profiles, data and secrets belong to."""

    tenant: str
    project: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.project}"


def parse_project(text: str) -> Project:
    """Parses ``tenant/project``.

    Raises:
        SpecError: the text is not two slugs with one slash between.
    """
    project = _project(text)
    if project is None:
        raise Place(object="project").refusal(PROJECT_MESSAGE, value=text)
    return project


def _project(text: str) -> Project | None:
    tenant, slash, project = text.partition("/")
    return Project(tenant, project) if slash and is_slug(tenant) and is_slug(project) else None


@dataclass(frozen=True)
class ProfileId:
    """A profile within its scope, as ``kind/name@version``."""

    kind: ProfileKind
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}@{self.version}"

    @property
    def object_name(self) -> str:
        """The name of its custom resource, ``<kind>-<name>-<version>``."""
        return f"{self.kind}-{self.name}-{self.version}"


@dataclass(frozen=True)
class Reference:
    """A profile, and the scope in which it is looked up.

    ``scope`` is a project (looked up there, then in ``global``) or None (only ``global``).
    """

    scope: Project | None
    profile: ProfileId

    def __str__(self) -> str:
        return f"{self.scope or GLOBAL}::{self.profile}"


def suggestion_of_kind(profile: str, known: Iterable[str]) -> str:
    """The nearest of the known profiles, or all of them; only of its kind, if it has a kind."""
    kind = profile.partition("/")[0]
    if kind not in PROFILE_KINDS:
        return suggestion_for(profile, known)
    names = [name for name in known if name.startswith(f"{kind}/")]
    return suggestion_for(profile, names) if names else f"there is no {kind} profile"


def parse_reference(text: str, home: Project, place: Place = _NOWHERE) -> Reference:
    """Parses a reference at ``place`` in a workflow of the project ``home``.

    Raises:
        SpecError: with the wrong part and its allowed values.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise place.refusal(SHAPE_MESSAGE, value=text)
    kind, name, version = shape["kind"], shape["name"], shape["version"]
    known_kind = next((known for known in PROFILE_KINDS if known == kind), None)
    if known_kind is None:
        raise place.refusal(f"kind {kind!r} {KIND_MESSAGE}", value=text, allowed=PROFILE_KINDS)
    if not is_slug(name):
        raise place.refusal(f"name {name!r} {NAME_MESSAGE}", value=text)
    if not is_version(version):
        why = LATEST_MESSAGE if version.lower() == LATEST else VERSION_MESSAGE
        raise place.refusal(f"version {version!r} {why}", value=text)
    scope = _scope(text, shape["scope"], home, place)
    return Reference(scope, ProfileId(known_kind, name, version))


def _scope(text: str, scope: str | None, home: Project, place: Place) -> Project | None:
    if scope is None:
        return home
    if scope == GLOBAL:
        return None
    project = _project(scope)
    if project is None:
        raise place.refusal(f"project {scope!r}: {PROJECT_MESSAGE}", value=text)
    return project
