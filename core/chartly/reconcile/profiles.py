"""The Profiles that a workflow of a project can reach, looked up by name in the cluster."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from chartly.api.profile import parse_profile
from chartly.api.reference import ProfileId
from chartly.plan.catalog import Found, Scope
from chartly.plan.digest import profile_digest
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, document_of, generation_of

ByName = Mapping[str, Object]
"""Objects of one kind and namespace by name."""


@dataclass(frozen=True)
class Shelf:
    """Where a project's references are looked up; nothing is read but what is asked for.

    Attributes:
        own: the Profiles of the project's namespace; shared: those of the global namespace.
    """

    own: ByName = field(default_factory=dict)
    shared: ByName = field(default_factory=dict)

    def named(self, profile: ProfileId, scope: Scope) -> Iterator[tuple[Scope, Object]]:
        """Every object that a reference may mean, the first choice first, usable or not."""
        places = ((scope, self.own), (None, self.shared)) if scope else ((None, self.shared),)
        for place, objects in places:
            found = objects.get(profile.object_name)
            if found is not None:
                yield place, found


@dataclass(frozen=True)
class UsableProfiles:
    """The Profiles of a shelf that may be used now."""

    shelf: Shelf

    def find(self, scope: Scope, profile: ProfileId) -> Found | None:
        for place, found in self.shelf.named(profile, scope):
            if is_usable(found):
                parsed = parse_profile(document_of(found))
                return Found(place, parsed, profile_digest(parsed))
        return None

    def names(self, scope: Scope) -> list[str]:
        shelves = (self.shelf.own, self.shelf.shared) if scope else (self.shelf.shared,)
        return sorted(
            {
                "{kind}/{name}@{version}".format(**found["spec"])
                for objects in shelves
                for found in objects.values()
                if is_usable(found)
            }
        )


def is_usable(profile: Object) -> bool:
    """Whether a Profile was checked as it is now, and nothing was found."""
    ready = condition_of(profile, "Ready")
    current = ready is not None and ready["observedGeneration"] == generation_of(profile)
    return ready is not None and current and ready["status"] == "True"


def stamp_of(profile: Object | None) -> Hashable:
    """What changes whenever a Profile means something else; None where there is none."""
    if profile is None:
        return None
    metadata, status = profile["metadata"], profile.get("status") or {}
    return metadata["uid"], generation_of(profile), status.get("digest"), is_usable(profile)
