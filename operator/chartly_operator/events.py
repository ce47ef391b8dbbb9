"""Posts Kubernetes Events: one for each transition, with a rate limit for each object."""

import hashlib
import logging
from typing import Any

from chartly.names import FIELD_MANAGER
from chartly.reconcile.actions import Object, Post
from chartly_kube.kube_port import AlreadyExists, KubeError, KubePort
from chartly_operator.clock import Clock

logger = logging.getLogger(__name__)
_NOTE_LIMIT = 1024
_NAME_LIMIT = 200
_BURST = 25
_PER_SECOND = 1 / 300
_OBJECTS = 10_000


class EventRecorder:
    """Posts Events.

    An Event's name is a digest of its object and content, so that a transition that is decided on
    twice, by whichever replica, has one Event. Each object may have 25 Events, and one more every
    five minutes. An Event that cannot be posted is logged and does not fail the decision.
    """

    def __init__(self, port: KubePort, clock: Clock, identity: str) -> None:
        self._port, self._clock, self._identity = port, clock, identity
        self._budgets: dict[str, tuple[float, float]] = {}

    async def post(self, post: Post) -> None:
        if not self._may(str(post.about["metadata"]["uid"])):
            return
        try:
            await self._port.create(self._document(post))
        except AlreadyExists:
            return
        except KubeError as error:
            logger.warning("an Event was not posted: %s", error)

    def _may(self, uid: str) -> bool:
        now = self._clock.now()
        left, since = self._budgets.pop(uid, (float(_BURST), now))
        left = min(_BURST, left + (now - since) * _PER_SECOND)
        # Removed and inserted again: the first key of the dict is the least recently used.
        self._budgets[uid] = (left - 1 if left >= 1 else left, now)
        if len(self._budgets) > _OBJECTS:
            del self._budgets[next(iter(self._budgets))]
        return left >= 1

    def _document(self, post: Post) -> dict[str, Any]:
        metadata = post.about["metadata"]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": _name_of(post), "namespace": metadata["namespace"]},
            "eventTime": self._clock.wall().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": post.type,
            "reason": post.reason,
            "note": post.message[:_NOTE_LIMIT],
            "action": "Reconcile",
            "reportingController": f"chartly.io/{FIELD_MANAGER}",
            "reportingInstance": self._identity,
            "regarding": _reference(post.about),
        }


def _name_of(post: Post) -> str:
    metadata = post.about["metadata"]
    content = f"{metadata['uid']}|{metadata.get('generation')}|{post.reason}|{post.message}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"{metadata['name'][:_NAME_LIMIT]}.{digest[:16]}"


def _reference(resource: Object) -> dict[str, Any]:
    metadata = resource["metadata"]
    return {
        "apiVersion": resource["apiVersion"],
        "kind": resource["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }
