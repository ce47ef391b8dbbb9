"""The Profiles that a workflow of a project can reach, looked up by name in the cluster."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from chartly.api.profile import parse_profile
from chartly.api.reference import ProfileId
from chartly.plan.catalog import CatalogEntry, Scope
from chartly.plan.digest import profile_digest
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, document_of, generation_of

ByName = Mapping[str, Object]
"""Objects of one kind and namespace by name."""


@dataclass(frozen=True)
class ReachableProfiles:
    """Where a project's references are looked up; only the named objects are read.

    Attributes:
        own: the Profiles of the project's namespace; shared: those of the global namespace.
    """

    own: ByName = field(default_factory=dict)
    shared: ByName = field(default_factory=dict)

    def named(self, profile: ProfileId, scope: Scope) -> Iterator[tuple[Scope, Object]]:
        """Every object that a reference may mean, the first choice first, usable or not."""
        places = ((scope, self.own), (None, self.shared)) if scope else ((None, self.shared),)
        for place, objects in places:
            candidate = objects.get(profile.object_name)
            if candidate is not None:
                yield place, candidate


@dataclass(frozen=True)
class UsableProfiles:
    """The reachable Profiles that may be used now."""

    reachable: ReachableProfiles

    def find(self, scope: Scope, profile: ProfileId) -> CatalogEntry | None:
        for place, candidate in self.reachable.named(profile, scope):
            if is_usable(candidate):
                parsed = parse_profile(document_of(candidate))
                return CatalogEntry(place, parsed, profile_digest(parsed))
        return None

    def names(self, scope: Scope) -> list[str]:
        own, shared = self.reachable.own, self.reachable.shared
        return sorted(
            {
                "{kind}/{name}@{version}".format(**candidate["spec"])
                for objects in ((own, shared) if scope else (shared,))
                for candidate in objects.values()
                if is_usable(candidate)
            }
        )


def is_usable(profile: Object) -> bool:
    """Whether the Profile's current generation was checked and is Ready."""
    ready = condition_of(profile, "Ready")
    current = ready is not None and ready["observedGeneration"] == generation_of(profile)
    return ready is not None and current and ready["status"] == "True"


def profile_stamp(profile: Object | None) -> Hashable:
    """A value that changes whenever references to a Profile resolve differently."""
    if profile is None:
        return None
    metadata, status = profile["metadata"], profile.get("status") or {}
    return metadata["uid"], generation_of(profile), status.get("digest"), is_usable(profile)
