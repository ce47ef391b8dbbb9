"""The profiles of a set of files, each in the scope that it belongs to."""

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
class CatalogEntry:
    """A profile with its scope and digest."""

    scope: Scope
    profile: Profile
    digest: str


class Profiles(Protocol):
    """Where references are looked up."""

    def find(self, scope: Scope, profile: ProfileId) -> CatalogEntry | None:
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
            SpecError: ``DigestConflict``: one version has two contents.
        """
        self._entries: dict[tuple[Scope, ProfileId], CatalogEntry] = {}
        for scope, profile in profiles:
            self._add(scope, profile)

    def _add(self, scope: Scope, profile: Profile) -> None:
        entry = CatalogEntry(scope, profile, profile_digest(profile))
        earlier = self._entries.setdefault((scope, profile.id), entry)
        if earlier.digest != entry.digest:
            other = earlier.profile.source
            raise profile.place.refusal(
                f"differs from the same version in {other}; give the changed one a new version",
                reason=Reason.DIGEST_CONFLICT,
            )

    def find(self, scope: Scope, profile: ProfileId) -> CatalogEntry | None:
        """The profile in ``scope``, else in ``global``."""
        return self._entries.get((scope, profile)) or self._entries.get((None, profile))

    def names(self, scope: Scope) -> list[str]:
        """Every ``kind/name@version`` that ``scope`` can reach, sorted."""
        return sorted({str(key) for place, key in self._entries if place in (scope, None)})

    def __iter__(self) -> Iterator[CatalogEntry]:
        return iter(self._entries.values())
