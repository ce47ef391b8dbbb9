"""A KubePort over objects in memory, for tests that need no HTTP."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from chartly.names import FIELD_MANAGER
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import key_of
from chartly_kube.api_errors import failure
from chartly_kube.kinds import KINDS, OWN
from chartly_kube.kube_port import ANY, Conflict, Kept, KubeError, Trim
from support.fake_objects import Failure, Json, Objects, merged

Answer = TypeVar("Answer")


class MemoryPort:
    """Answers at once, unless told otherwise.

    Attributes:
        calls: what was asked, as (verb, key).
        failures: raised instead of an answer, by verb; after it was done for ``lost``.
    """

    def __init__(self, *documents: Json) -> None:
        self.objects = Objects()
        self.calls: list[tuple[str, Key]] = []
        self.failures: dict[str, list[KubeError]] = {}
        self.before: Callable[[str, Key], None] = lambda _verb, _key: None
        for one in documents:
            self.objects.create(one)

    def writes(self) -> list[tuple[str, Key]]:
        return [one for one in self.calls if one[0] not in {"get", "list"}]

    async def served_kinds(self) -> frozenset[str]:
        return frozenset(OWN)

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        key = Key(kind, namespace or "", "")
        return self._do("list", key, lambda: [trim(one) for one in self._all(key, labels)])

    async def get(self, key: Key) -> Object:
        return self._do("get", key, lambda: self.objects.get(key))

    async def create(self, document: Object) -> Object:
        made = copy.deepcopy(dict(document))
        return self._do("create", key_of(document), lambda: self.objects.create(made))

    async def apply_status(
        self,
        key: Key,
        uid: str,
        resource_version: str,
        status: Object,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        metadata = {"uid": uid, "resourceVersion": resource_version}
        body = {"metadata": metadata, "status": json.loads(json.dumps(status))}
        return self._do("apply", key, lambda: self.objects.apply(key, body, manager))

    async def add_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        return self._do("add", key, lambda: self._add(key, labels, data))

    async def merge(self, key: Key, uid: str, patch: Object) -> Object:
        full = merged(dict(patch), {"metadata": {"uid": uid}})
        return self._do(
            "patch", key, lambda: self.objects.update(key, lambda one: merged(one, full))
        )

    async def delete(self, key: Key, uid: str | None) -> Object | None:
        found, kept = self._do("delete", key, lambda: self.objects.delete(key, uid))
        return found if kept else None

    async def replace(self, document: Object) -> Object:
        key, made = key_of(document), copy.deepcopy(dict(document))
        return self._do("update", key, lambda: self.objects.update(key, lambda _: made))

    def _all(self, key: Key, more: Mapping[str, str]) -> list[Json]:
        selector = KINDS[key.kind].label_selector
        labels = {**(dict([selector.split("=", 1)]) if selector else {}), **more}
        return copy.deepcopy(self.objects.all(key.kind, key.namespace or None, labels))

    def _add(self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]) -> Json:
        try:
            known = self.objects.get(key).get("data", {})
        except Failure:
            metadata = {"name": key.name, "namespace": key.namespace, "labels": dict(labels)}
            document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            return self.objects.create({**document, "data": dict(data)})
        if any(known.get(name, text) != text for name, text in data.items()):
            raise Conflict(f"cannot add to {key}")
        return self.objects.update(key, lambda one: merged(one, {"data": dict(data)}))

    def _do(self, verb: str, key: Key, act: Callable[[], Answer]) -> Answer:
        self.before(verb, key)
        self.calls.append((verb, key))
        waiting = self.failures.get(verb)
        if waiting:
            error = waiting.pop(0)
            if "lost" in str(error):
                self._try(act)
            raise error
        return self._try(act)

    @staticmethod
    def _try(act: Callable[[], Answer]) -> Answer:
        try:
            return act()
        except Failure as found:
            body = json.dumps(found.document()).encode()
            raise failure("do it", found.code, {}, body) from None
