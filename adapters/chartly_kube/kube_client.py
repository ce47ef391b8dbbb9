"""The KubePort over HTTP with plain JSON.

The client library's models are not used: one of a small object takes longer than the request.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from kubernetes.aio.client.configuration import Configuration

from chartly.names import FIELD_MANAGER
from chartly.reconcile.actions import Key, Object
from chartly.reconcile.objects import key_of
from chartly_kube.api_errors import failure
from chartly_kube.api_session import JSON, ApiSession
from chartly_kube.kinds import KINDS, OWN, collection_path, object_path
from chartly_kube.kube_port import (
    ANY,
    AlreadyExists,
    Conflict,
    Expired,
    Kept,
    NotFound,
    Read,
    Trim,
    Unavailable,
    WatchEvent,
)
from chartly_kube.watch_stream import SILENCE, lines, watch_event

WRITE_SECONDS = 5.0
"""A write is given up after this: less than what a lost lease leaves until another may act."""
_READ_SECONDS = 30.0
_PAGE = 500
_WATCH_SECONDS = "540"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_ERROR = 400

Observe = Callable[[str, int], None]
"""Called for every request with its verb and status code; 0 is no answer."""


def _unobserved(verb: str, code: int) -> None:
    del verb, code


class KubeClient:
    """An API server; see KubePort."""

    def __init__(self, configuration: Configuration, observe: Observe = _unobserved) -> None:
        self._session = ApiSession(configuration)
        self._observe = observe

    async def close(self) -> None:
        await self._session.close()

    async def served_kinds(self) -> frozenset[str]:
        try:
            found = await self._request("get", "GET", KINDS[OWN[0]].root)
        except NotFound:
            return frozenset()
        resources: list[dict[str, Any]] = found.get("resources", [])
        return frozenset(one["kind"] for one in resources if "/" not in one["name"])

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        selector = [
            KINDS[kind].label_selector,
            *(f"{name}={text}" for name, text in labels.items()),
        ]
        query = {"labelSelector": ",".join(filter(None, selector))}
        path = collection_path(kind, namespace)
        try:
            return await self._pages(kind, path, trim, {**query, "limit": str(_PAGE)})
        except Expired:
            # The pages took so long that the server forgot their moment: all at once, then.
            return await self._pages(kind, path, trim, query)

    async def _pages(
        self, kind: str, path: str, trim: Trim[Kept], query: dict[str, str]
    ) -> list[Kept]:
        place = KINDS[kind]
        query = {name: text for name, text in query.items() if text}
        found: list[Kept] = []
        while True:
            page = await self._request("list", "GET", path, query=query)
            for one in page.get("items") or ():
                one.setdefault("kind", kind)
                one.setdefault("apiVersion", place.api_version)
                found.append(trim(_plain(one)))
            rest = page["metadata"].get("continue")
            if not rest:
                return found
            query["continue"] = rest

    async def watched(
        self, kind: str, namespace: str | None, since: str, read: Read[Kept]
    ) -> AsyncIterator[WatchEvent[Kept]]:
        path = collection_path(kind, namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": _WATCH_SECONDS,
            "labelSelector": KINDS[kind].label_selector,
            "resourceVersion": since,
        }
        target = f"{path}?{urlencode({name: text for name, text in query.items() if text})}"
        what = f"watch {path}"
        try:
            async with self._session.stream(target, SILENCE) as answer:
                if answer.status >= _ERROR:
                    raise failure(what, answer.status, answer.headers, await answer.read())
                async for line in lines(answer.content):
                    yield watch_event(what, line, read)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"cannot {what}: {type(error).__name__}") from error

    async def get(self, key: Key) -> Object:
        return _plain(await self._request("get", "GET", object_path(key)))

    async def create(self, document: Object) -> Object:
        key = key_of(document)
        path = collection_path(key.kind, key.namespace)
        query = {"fieldManager": FIELD_MANAGER}
        return _plain(await self._request("create", "POST", path, query=query, body=document))

    async def apply_status(
        self,
        key: Key,
        uid: str,
        resource_version: str,
        status: Object,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        metadata = {**_named(key), "uid": uid, "resourceVersion": resource_version}
        body = {**_typed(key), "metadata": metadata, "status": status}
        query = {"fieldManager": manager, "force": "true"}
        path = object_path(key, "status")
        return _plain(await self._request("apply", "PATCH", path, query, body, _APPLY))

    async def add_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        try:
            found = await self.get(key)
        except NotFound:
            return await self._first_data(key, labels, data)
        known: Mapping[str, str] = found.get("data") or {}
        changed = sorted(name for name in data if known.get(name, data[name]) != data[name])
        if changed:
            raise Conflict(f"cannot add to {key}: {changed[0]!r} has another value")
        metadata = {"resourceVersion": found["metadata"]["resourceVersion"]}
        return await self._merge(key, {"metadata": metadata, "data": data})

    async def _first_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        metadata = {**_named(key), "labels": labels}
        try:
            return await self.create({**_typed(key), "metadata": metadata, "data": data})
        except AlreadyExists as error:
            raise Conflict(str(error)) from None

    async def merge(self, key: Key, uid: str, patch: Object) -> Object:
        metadata = {**patch.get("metadata", {}), "uid": uid}
        return await self._merge(key, {**patch, "metadata": metadata})

    async def _merge(self, key: Key, patch: Object) -> Object:
        query = {"fieldManager": FIELD_MANAGER}
        path = object_path(key)
        return _plain(await self._request("patch", "PATCH", path, query, patch, _MERGE))

    async def delete(self, key: Key, uid: str | None) -> Object | None:
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        path = object_path(key)
        answer = await self._request("delete", "DELETE", path, body=options)
        kept = answer.get("kind") == key.kind and answer["metadata"].get("finalizers")
        return _plain(answer) if kept else None

    async def replace(self, document: Object) -> Object:
        path = object_path(key_of(document))
        query = {"fieldManager": FIELD_MANAGER}
        return _plain(await self._request("update", "PUT", path, query=query, body=document))

    async def _request(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        media: str = JSON,
    ) -> dict[str, Any]:
        what = f"{verb} {path}"
        try:
            code, headers, content = await self._exchange(method, path, query, body, media)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observe(verb, 0)
            raise Unavailable(f"cannot {what}: {type(error).__name__}") from error
        self._observe(verb, code)
        if code >= _ERROR:
            raise failure(what, code, headers, content)
        try:
            answer: dict[str, Any] = msgspec.json.decode(content, type=dict)
        except msgspec.DecodeError:
            # Something between us and the API server answered in its place.
            raise Unavailable(f"cannot {what}: the answer is not JSON") from None
        return answer

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Object | None,
        media: str,
    ) -> tuple[int, Mapping[str, str], bytes]:
        target = f"{path}?{urlencode(query)}" if query else path
        seconds = _READ_SECONDS if method == "GET" else WRITE_SECONDS
        content = None if body is None else msgspec.json.encode(body)
        return await self._session.exchange(method, target, content, media, seconds)


def _typed(key: Key) -> dict[str, Any]:
    return {"apiVersion": KINDS[key.kind].api_version, "kind": key.kind}


def _named(key: Key) -> dict[str, Any]:
    return {"name": key.name, "namespace": key.namespace} if key.namespace else {"name": key.name}


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    found["metadata"].pop("managedFields", None)
    return found
