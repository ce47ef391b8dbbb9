"""What Workflows were found to say and to resolve to, so that each is prepared once.

An object of one uid and generation says the same for ever, and a Profile that was checked has its
digest in its status. What was prepared is kept by those, and is the same as if it were made anew.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from chartly.api.reference import Project
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import generation_of, uid_of
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.profiles import Shelf, stamp_of
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
    """Prepared Workflows; of those that were not asked for lately, some are made again.

    Args:
        contents: Workflows whose content is kept, at most.
        room: bytes of frozen inputs that are kept, at most.
    """

    def __init__(self, contents: int = _CONTENTS, room: int = _BYTES) -> None:
        self._limit, self._room, self._taken = contents, room, 0
        self._contents: OrderedDict[Hashable, WorkflowContent | Obstacle] = OrderedDict()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def content(self, workflow: Object) -> WorkflowContent | Obstacle:
        """What a Workflow says, or why it cannot be read."""
        key = uid_of(workflow), generation_of(workflow)
        if key not in self._contents:
            self._contents[key] = read_content(workflow)
            if len(self._contents) > self._limit:
                self._contents.popitem(last=False)
        self._contents.move_to_end(key)
        return self._contents[key]

    def resolved(self, workflow: Object, home: Project, shelf: Shelf) -> Resolved | Obstacle:
        """What a Workflow resolves to now, or what is in the way."""
        key = uid_of(workflow), generation_of(workflow), home
        entry = self._entries.get(key)
        if entry is not None and entry.made_of == tuple(_stamps(entry.resolved, shelf)):
            self._entries.move_to_end(key)
            return entry.resolved
        found = resolved(workflow, home, shelf)
        if isinstance(found, Resolved):
            self._keep(key, _Entry(found, tuple(_stamps(found, shelf))))
        return found

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        earlier = self._entries.pop(key, None)
        self._taken += entry.size - (earlier.size if earlier else 0)
        self._entries[key] = entry
        while self._taken > self._room:
            _, oldest = self._entries.popitem(last=False)
            self._taken -= oldest.size


def _stamps(found: Resolved, shelf: Shelf) -> Iterator[Stamp]:
    """What each reference of a resolved Workflow means now, wherever it may be looked up."""
    for reference in found.named:
        name = reference.profile.object_name
        if reference.scope is not None:
            yield stamp_of(shelf.own.get(name))
        yield stamp_of(shelf.shared.get(name))
