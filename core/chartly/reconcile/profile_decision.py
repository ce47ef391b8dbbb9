"""Decides on a Profile: is it valid, and is its content the one its version has always had?"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from chartly.api.profile import parse_profile
from chartly.api.reference import ProfileId
from chartly.errors import Problem, Reason, SpecError
from chartly.manifests.labels import config_labels
from chartly.names import versions_name
from chartly.plan.digest import profile_digest
from chartly.plan.served import check_served
from chartly.reconcile.actions import ApplyData, Decision, Key
from chartly.reconcile.conditions import stamped, verdict_actions, verdict_conditions
from chartly.reconcile.namespace_project import project_of
from chartly.reconcile.objects import document_of, generation_of, is_being_deleted, key_of, name_of
from chartly.reconcile.obstacle import Check, Obstacle, first_obstacle, refuse, refused
from chartly.reconcile.world import ProfileWorld, Settings


@dataclass(frozen=True)
class ProfileContent:
    """Identity and digest of a Profile that parses."""

    id: ProfileId
    digest: str


@dataclass(frozen=True)
class ProfileReading:
    """A Profile with its parts parsed when a check reads them."""

    world: ProfileWorld
    settings: Settings

    @cached_property
    def content(self) -> ProfileContent | Obstacle:
        try:
            profile = parse_profile(document_of(self.world.profile))
            check_served(profile.spec, profile.spec_place)
            return ProfileContent(profile.id, profile_digest(profile))
        except SpecError as error:
            return refused(error)

    @property
    def place(self) -> Obstacle | None:
        """Why no Profile of its namespace is used; None where they are."""
        namespace = self.world.namespace
        if namespace is not None and name_of(namespace) == self.settings.global_namespace:
            return None
        project = project_of(namespace, self.world.claimants)
        return project if isinstance(project, Obstacle) else None

    def remembered(self, version: str) -> str | None:
        """The digest that a version had when it was first seen."""
        digests: dict[str, str] = (self.world.versions or {}).get("data") or {}
        return digests.get(version)


def decide_profile(world: ProfileWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a Profile: record its digest, and whether it may be used."""
    if is_being_deleted(world.profile):
        return Decision()
    reading = ProfileReading(world, settings)
    obstacle = first_obstacle(reading, CHECKS)
    status: dict[str, Any] = {"observedGeneration": generation_of(world.profile)}
    memory: tuple[ApplyData, ...] = ()
    if reading.place is None and isinstance(reading.content, ProfileContent):
        status["digest"] = reading.content.digest
        memory = _memory(reading, reading.content)
    status["conditions"] = stamped(verdict_conditions(obstacle), world.profile, now)
    return Decision((*memory, *verdict_actions(world.profile, status, obstacle)))


def _as_remembered(reading: ProfileReading) -> Obstacle | None:
    if isinstance(content := reading.content, Obstacle):
        return content
    earlier = reading.remembered(content.id.version)
    if earlier in (None, content.digest):
        return None
    why = (
        f"this version has been seen with digest {earlier}, and now has "
        f"{content.digest}; give the changed one a new version"
    )
    return refuse(Problem(why, Reason.DIGEST_CONFLICT, object=str(content.id)))


CHECKS: tuple[Check[ProfileReading], ...] = (lambda reading: reading.place, _as_remembered)
"""What a Profile must pass to be used."""


def _memory(reading: ProfileReading, content: ProfileContent) -> tuple[ApplyData, ...]:
    """Records the version's digest for ever; nothing if it is recorded."""
    profile = content.id
    if reading.remembered(profile.version) is not None:
        return ()
    place = key_of(reading.world.profile)
    key = Key("ConfigMap", place.namespace, versions_name(profile.kind, profile.name))
    return (ApplyData(key, config_labels("versions"), {profile.version: content.digest}),)
