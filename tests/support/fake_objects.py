"""What a Kubernetes API server keeps, and its rules about writes, as far as the operator leans on them.

``tests/contract/test_kube.py`` holds it against a real API server.
"""

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chartly.reconcile.actions import Key
from chartly.reconcile.objects import key_of
from chartly_kube.kinds import KINDS, OWN

Json = dict[str, Any]
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_GENERATIONS = {*OWN, "Job"}


@dataclass
class Failure(Exception):  # noqa: N818 - an answer, not a bug
    """An answer with a status of 400 or more."""

    code: int
    reason: str
    message: str
    causes: list[Json] = field(default_factory=list)

    def document(self) -> Json:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "details": {"causes": self.causes},
        }


@dataclass(frozen=True)
class Change:
    """One entry of the history that watches follow."""

    version: int
    type: str
    object: Json


@dataclass
class Objects:
    """Objects, their versions and their history."""

    version: int = 100
    by_key: dict[Key, Json] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    oldest: int = 0
    """Versions before this are forgotten (410)."""
    changed: Callable[[Change], None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    owned: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """By uid and manager, the fields of a status that it has applied."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def get(self, key: Key) -> Json:
        if key not in self.by_key:
            raise Failure(404, "NotFound", f'{KINDS[key.kind].plural} "{key.name}" not found')
        return copy.deepcopy(self.by_key[key])

    def all(self, kind: str, namespace: str | None, labels: dict[str, str]) -> list[Json]:
        """Those of a kind, in order; not copies, because there may be many."""
        found = [
            one
            for key, one in self.by_key.items()
            if key.kind == kind and namespace in {None, key.namespace} and has_labels(one, labels)
        ]
        return sorted(found, key=lambda one: str(key_of(one)))

    def create(self, document: Json) -> Json:
        key = key_of(document)
        if key.namespace and Key("Namespace", "", key.namespace) not in self.by_key:
            raise Failure(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if not _NAME.fullmatch(key.name):
            raise Failure(422, "Invalid", f"metadata.name: Invalid value: {key.name!r}")
        if key in self.by_key:
            raise Failure(409, "AlreadyExists", f'{key.kind} "{key.name}" already exists')
        made = copy.deepcopy(document)
        if key.kind in OWN:
            made.pop("status", None)
        made["metadata"] |= {
            "uid": f"00000000-0000-4000-8000-{next(self.numbers):012d}",
            "creationTimestamp": self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if key.kind in _GENERATIONS:
            made["metadata"]["generation"] = 1
        return self._put(key, made, "ADDED")

    def update(self, key: Key, change: Callable[[Json], Json], *, status: bool = False) -> Json:
        """Changes an object; a change that changes nothing makes no new version."""
        before = self.get(key)
        after = change(copy.deepcopy(before))
        self._check(key, before, after, status=status)
        if status:
            after = {**copy.deepcopy(before), "status": after.get("status")}
        elif key.kind in OWN and "status" in before:
            after["status"] = before["status"]
        after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if after == before:
            return before
        if key.kind in _GENERATIONS and after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] = before["metadata"]["generation"] + 1
        gone = after["metadata"].get("deletionTimestamp") and not after["metadata"].get(
            "finalizers"
        )
        return self._put(key, after, "DELETED" if gone else "MODIFIED")

    def apply(self, key: Key, body: Json, manager: str) -> Json:
        """Server-side apply of a status: what a manager says no more is gone, others' stays."""

        def change(one: Json) -> Json:
            owned = self.owned.setdefault(one["metadata"]["uid"], {})
            others = {
                name for who, names in owned.items() if who != manager for name in names
            } - set(body["status"])
            before = one.get("status") or {}
            kept = {name: before[name] for name in before if name in others}
            return {
                **merged(one, {"metadata": body["metadata"]}),
                "status": {**kept, **body["status"]},
            }

        found = self.update(key, change, status=True)
        owned = self.owned[found["metadata"]["uid"]]
        for names in owned.values():
            names -= set(body["status"])
        owned[manager] = set(body["status"])
        return found

    def delete(self, key: Key, uid: str | None) -> tuple[Json, bool]:
        """The object, and whether finalizers keep it."""
        found = self.get(key)
        if uid not in {None, found["metadata"]["uid"]}:
            raise Failure(409, "Conflict", "Precondition failed: UID in precondition differs")
        if found["metadata"].get("finalizers"):
            found["metadata"]["deletionTimestamp"] = self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            return self._put(key, found, "MODIFIED"), True
        self._remove(found)
        return found, False

    def vanish(self, key: Key) -> None:
        """Removes an object, and no watch is told."""
        del self.by_key[key]

    def _remove(self, found: Json) -> None:
        self._put(key_of(found), found, "DELETED")
        uid = found["metadata"]["uid"]
        for one in list(self.by_key.values()):
            owners = one["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == uid for owner in owners):
                self._remove(copy.deepcopy(one))

    def _put(self, key: Key, made: Json, kind: str) -> Json:
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        if kind == "DELETED":
            self.by_key.pop(key, None)
        else:
            self.by_key[key] = made
        change = Change(self.version, kind, copy.deepcopy(made))
        self.history.append(change)
        self.changed(change)
        return copy.deepcopy(made)

    @staticmethod
    def _check(key: Key, before: Json, after: Json, *, status: bool) -> None:
        old, new = before["metadata"], after["metadata"]
        # The uid in an applied status is ignored; the version says which object was meant.
        if new.get("uid") != old["uid"] and not status:
            raise Failure(
                409, "Conflict", f"Precondition failed: UID in precondition: {new.get('uid')}"
            )
        if new.get("resourceVersion") not in {None, old["resourceVersion"]}:
            raise Failure(409, "Conflict", f"the object of {key} has been modified")
        if before.get("immutable") and after.get("data") != before.get("data"):
            causes = [{"field": "data", "reason": "FieldValueForbidden"}]
            raise Failure(422, "Invalid", "data: Forbidden: immutable", causes)
        outcome = (before.get("status") or {}).get("outcome")
        if outcome is not None and (after.get("status") or {}).get("outcome") != outcome:
            raise Failure(422, "Invalid", "status: outcome never changes")


def has_labels(found: Json, labels: dict[str, str]) -> bool:
    have = found["metadata"].get("labels") or {}
    return all(have.get(name) == value for name, value in labels.items())


def merged(into: Json, patch: Json) -> Json:
    """RFC 7386."""
    result = dict(into)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(result.get(name) or {}, value)
        else:
            result[name] = value
    return result
