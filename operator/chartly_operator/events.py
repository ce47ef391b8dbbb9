"""Kubernetes Events: one for each transition, and not too many."""

import hashlib
import logging
from typing import Any

from chartly.names import FIELD_MANAGER
from chartly.reconcile.actions import Post
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

    An Event's name is a function of what it says about what, so that a transition that is decided
    on twice, by whomever, is told once. Each object may say 25 things, and one more every five
    minutes. An Event that cannot be posted is not worth a failure.
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
        # Popped and put again: the first in the dict is the one that was silent for longest.
        self._budgets[uid] = (left - 1 if left >= 1 else left, now)
        if len(self._budgets) > _OBJECTS:
            del self._budgets[next(iter(self._budgets))]
        return left >= 1

    def _document(self, post: Post) -> dict[str, Any]:
        metadata = post.about["metadata"]
        said = f"{metadata['uid']}|{metadata.get('generation')}|{post.reason}|{post.message}"
        name = f"{metadata['name'][:_NAME_LIMIT]}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "eventTime": self._clock.wall().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": post.type,
            "reason": post.reason,
            "note": post.message[:_NOTE_LIMIT],
            "action": "Reconcile",
            "reportingController": f"chartly.io/{FIELD_MANAGER}",
            "reportingInstance": self._identity,
            "regarding": {
                "apiVersion": post.about["apiVersion"],
                "kind": post.about["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
        }
