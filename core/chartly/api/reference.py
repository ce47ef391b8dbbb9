"""References: ``tenant/project::kind/name@version``, parsed once and written one way."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from chartly.api.version import parse_version
from chartly.errors import SpecError
from chartly.names import GLOBAL, SLUG_RULE, is_slug

ProfileKind = Literal["connector", "normalizer", "storage", "analytics"]
PROFILE_KINDS: tuple[ProfileKind, ...] = get_args(ProfileKind)

FORM = "[tenant/project:: | global::]kind/name@x.y.z"
SHAPE = r"((?P<scope>[^:]*)::)?(?P<kind>[^/:@]*)/(?P<name>[^/:@]*)@(?P<version>[^@]*)"
_SHAPE = re.compile(SHAPE)
SHAPE_SAYS = f"must have the form {FORM}"
KIND_SAYS = f"is not one of {', '.join(PROFILE_KINDS)}"
NAME_SAYS = f"is not allowed; it takes {SLUG_RULE}"
PROJECT_SAYS = f"must be tenant/project, each {SLUG_RULE}"


@dataclass(frozen=True, order=True)
class Project:
    """A tenant's project: the scope that profiles, data and secrets belong to."""

    tenant: str
    project: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.project}"


def parse_project(text: str) -> Project:
    """``tenant/project`` as a Project.

    Raises:
        SpecError: it is not two slugs with one slash between.
    """
    tenant, slash, project = text.partition("/")
    if not slash or not is_slug(tenant) or not is_slug(project):
        raise SpecError(f"project {text!r}: {PROJECT_SAYS}")
    return Project(tenant, project)


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
    """What a step names: a profile, and the scope in which it is looked up.

    ``scope`` is a project (looked up there, then in ``global``) or None (only ``global``).
    """

    scope: Project | None
    profile: ProfileId

    def __str__(self) -> str:
        return f"{self.scope or GLOBAL}::{self.profile}"


def parse_reference(text: str, home: Project) -> Reference:
    """A reference as written in a workflow of the project ``home``.

    Raises:
        SpecError: with the part that is wrong and what is allowed there.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise SpecError(f"reference {text!r}: {SHAPE_SAYS}")
    kind, name = shape["kind"], shape["name"]
    found = next((known for known in PROFILE_KINDS if known == kind), None)
    if found is None:
        raise SpecError(f"reference {text!r}: kind {kind!r} {KIND_SAYS}")
    if not is_slug(name):
        raise SpecError(f"reference {text!r}: name {name!r} {NAME_SAYS}")
    try:
        parse_version(shape["version"])
    except SpecError as error:
        raise SpecError(f"reference {text!r}: {error.message}") from None
    return Reference(_scope(text, shape["scope"], home), ProfileId(found, name, shape["version"]))


def _scope(text: str, scope: str | None, home: Project) -> Project | None:
    if scope is None:
        return home
    if scope == GLOBAL:
        return None
    try:
        return parse_project(scope)
    except SpecError as error:
        raise SpecError(f"reference {text!r}: {error.message}") from None
