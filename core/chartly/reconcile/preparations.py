"""Parsed and resolved Workflows, so that each is prepared once.

An object of one uid and generation never changes its spec, and a checked Profile has its digest in
its status. Entries are kept by those, and are equal to what preparing again would return.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from chartly.api.reference import Project
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import generation_of, uid_of
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.reachable_profiles import ReachableProfiles, profile_stamp
from chartly.reconcile.resolution import Resolved, resolved
from chartly.reconcile.workflow_content import WorkflowContent, read_content

_CONTENTS = 8192
_BYTES = 32 * 1024 * 1024
Stamp = Hashable


@dataclass(frozen=True)
class _Entry:
    resolved: Resolved
    made_of: tuple[Stamp, ...]

    @property
    def size(self) -> int:
        return len(self.resolved.snapshot.content)


class Preparations:
    """Prepared Workflows; the least recently used are dropped and prepared again.

    Args:
        contents: the most Workflows whose content is kept.
        room: the most bytes of frozen inputs that are kept.
    """

    def __init__(self, contents: int = _CONTENTS, room: int = _BYTES) -> None:
        self._limit, self._room, self._taken = contents, room, 0
        self._contents: OrderedDict[Hashable, WorkflowContent | Obstacle] = OrderedDict()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def content(self, workflow: Object) -> WorkflowContent | Obstacle:
        """The content of a Workflow, or why it does not parse."""
        key = uid_of(workflow), generation_of(workflow)
        if key not in self._contents:
            self._contents[key] = read_content(workflow)
            if len(self._contents) > self._limit:
                self._contents.popitem(last=False)
        self._contents.move_to_end(key)
        return self._contents[key]

    def resolved(
        self, workflow: Object, home: Project, reachable: ReachableProfiles
    ) -> Resolved | Obstacle:
        """What a Workflow resolves to now, or why it does not."""
        key = uid_of(workflow), generation_of(workflow), home
        entry = self._entries.get(key)
        if entry is not None and entry.made_of == tuple(_stamps(entry.resolved, reachable)):
            self._entries.move_to_end(key)
            return entry.resolved
        result = resolved(workflow, home, reachable)
        if isinstance(result, Resolved):
            self._keep(key, _Entry(result, tuple(_stamps(result, reachable))))
        return result

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        earlier = self._entries.pop(key, None)
        self._taken += entry.size - (earlier.size if earlier else 0)
        self._entries[key] = entry
        while self._taken > self._room:
            _, oldest = self._entries.popitem(last=False)
            self._taken -= oldest.size


def _stamps(workflow: Resolved, reachable: ReachableProfiles) -> Iterator[Stamp]:
    """The state of every Profile that a reference of a resolved Workflow may resolve to."""
    for reference in workflow.references:
        name = reference.profile.object_name
        if reference.scope is not None:
            yield profile_stamp(reachable.own.get(name))
        yield profile_stamp(reachable.shared.get(name))
