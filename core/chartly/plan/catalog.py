"""What a set of files holds: each profile and workflow in the scope that it belongs to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from chartly.api.profile import Profile
from chartly.api.reference import ProfileId, Project
from chartly.errors import Reason
from chartly.plan.digest import profile_digest

Scope = Project | None
"""A project, or None for ``global``."""


@dataclass(frozen=True)
class Found:
    """A profile where it was found."""

    scope: Scope
    profile: Profile
    digest: str


class Profiles(Protocol):
    """Where references are looked up."""

    def find(self, scope: Scope, profile: ProfileId) -> Found | None:
        """The profile in ``scope``, else in ``global``."""
        ...

    def names(self, scope: Scope) -> list[str]:
        """Every ``kind/name@version`` that ``scope`` can reach, sorted."""
        ...


class Catalog:
    """Profiles by scope and identity; one version has one content."""

    def __init__(self, profiles: Iterable[tuple[Scope, Profile]]) -> None:
        """Takes profiles with their scopes.

        Raises:
            SpecError: ``DigestConflict``: one version stands there with two contents.
        """
        self._found: dict[tuple[Scope, ProfileId], Found] = {}
        for scope, profile in profiles:
            self._add(scope, profile)

    def _add(self, scope: Scope, profile: Profile) -> None:
        found = Found(scope, profile, profile_digest(profile))
        earlier = self._found.setdefault((scope, profile.id), found)
        if earlier.digest != found.digest:
            other = earlier.profile.source
            raise profile.place.refusal(
                f"differs from the same version in {other}; give the changed one a new version",
                reason=Reason.DIGEST_CONFLICT,
            )

    def find(self, scope: Scope, profile: ProfileId) -> Found | None:
        """The profile in ``scope``, else in ``global``."""
        return self._found.get((scope, profile)) or self._found.get((None, profile))

    def names(self, scope: Scope) -> list[str]:
        """Every ``kind/name@version`` that ``scope`` can reach, sorted."""
        return sorted({str(key) for place, key in self._found if place in (scope, None)})

    def __iter__(self) -> Iterator[Found]:
        return iter(self._found.values())
