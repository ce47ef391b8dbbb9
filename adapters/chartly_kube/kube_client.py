"""The KubePort over HTTP with plain JSON.

The client library's models are not used: decoding into one takes longer than the request.
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
"""The timeout of a write: shorter than the time from a lost Lease until another may act."""
_READ_SECONDS = 30.0
_PAGE = 500
_WATCH_SECONDS = "540"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_ERROR = 400

Observe = Callable[[str, int], None]
"""Called for every request with its verb and status code; 0 is no response."""


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
            group = await self._request("get", "GET", KINDS[OWN[0]].root)
        except NotFound:
            return frozenset()
        resources: list[dict[str, Any]] = group.get("resources", [])
        return frozenset(resource["kind"] for resource in resources if "/" not in resource["name"])

    async def listed(
        self,
        kind: str,
        namespace: str | None,
        trim: Trim[Kept],
        labels: Mapping[str, str] = ANY,
    ) -> list[Kept]:
        selector = [
            KINDS[kind].label_selector,
            *(f"{name}={value}" for name, value in labels.items()),
        ]
        query = {"labelSelector": ",".join(filter(None, selector))}
        path = collection_path(kind, namespace)
        try:
            return await self._pages(kind, path, trim, {**query, "limit": str(_PAGE)})
        except Expired:
            # The continuation expired before the last page: everything in one response, then.
            return await self._pages(kind, path, trim, query)

    async def _pages(
        self, kind: str, path: str, trim: Trim[Kept], query: dict[str, str]
    ) -> list[Kept]:
        query = {name: value for name, value in query.items() if value}
        objects: list[Kept] = []
        while True:
            page = await self._request("list", "GET", path, query=query)
            for item in page.get("items") or ():
                item.setdefault("kind", kind)
                item.setdefault("apiVersion", KINDS[kind].api_version)
                objects.append(trim(_without_managed_fields(item)))
            continuation = page["metadata"].get("continue")
            if not continuation:
                return objects
            query["continue"] = continuation

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
        target = f"{path}?{urlencode({name: value for name, value in query.items() if value})}"
        action = f"watch {path}"
        try:
            async with self._session.stream(target, SILENCE) as response:
                if response.status >= _ERROR:
                    content = await response.read()
                    raise failure(action, response.status, response.headers, content)
                async for line in lines(response.content):
                    yield watch_event(action, line, read)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"cannot {action}: {type(error).__name__}") from error

    async def get(self, key: Key) -> Object:
        return _without_managed_fields(await self._request("get", "GET", object_path(key)))

    async def create(self, document: Object) -> Object:
        key = key_of(document)
        path = collection_path(key.kind, key.namespace)
        query = {"fieldManager": FIELD_MANAGER}
        return _without_managed_fields(
            await self._request("create", "POST", path, query=query, body=document)
        )

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
        return _without_managed_fields(
            await self._request("apply", "PATCH", path, query, body, _APPLY)
        )

    async def add_data(
        self, key: Key, labels: Mapping[str, str], data: Mapping[str, str]
    ) -> Object:
        try:
            config_map = await self.get(key)
        except NotFound:
            return await self._create_data(key, labels, data)
        present: Mapping[str, str] = config_map.get("data") or {}
        changed = sorted(name for name in data if present.get(name, data[name]) != data[name])
        if changed:
            raise Conflict(f"cannot add to {key}: {changed[0]!r} has another value")
        metadata = {"resourceVersion": config_map["metadata"]["resourceVersion"]}
        return await self._merge(key, {"metadata": metadata, "data": data})

    async def _create_data(
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
        return _without_managed_fields(
            await self._request("patch", "PATCH", path, query, patch, _MERGE)
        )

    async def delete(self, key: Key, uid: str | None) -> Object | None:
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        path = object_path(key)
        response = await self._request("delete", "DELETE", path, body=options)
        kept = response.get("kind") == key.kind and response["metadata"].get("finalizers")
        return _without_managed_fields(response) if kept else None

    async def replace(self, document: Object) -> Object:
        path = object_path(key_of(document))
        query = {"fieldManager": FIELD_MANAGER}
        return _without_managed_fields(
            await self._request("update", "PUT", path, query=query, body=document)
        )

    async def _request(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        verb: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        media: str = JSON,
    ) -> dict[str, Any]:
        action = f"{verb} {path}"
        try:
            code, headers, content = await self._exchange(method, path, query, body, media)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observe(verb, 0)
            raise Unavailable(f"cannot {action}: {type(error).__name__}") from error
        self._observe(verb, code)
        if code >= _ERROR:
            raise failure(action, code, headers, content)
        try:
            response: dict[str, Any] = msgspec.json.decode(content, type=dict)
        except msgspec.DecodeError:
            # A proxy responded in place of the API server.
            raise Unavailable(f"cannot {action}: the answer is not JSON") from None
        return response

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


def _without_managed_fields(document: dict[str, Any]) -> dict[str, Any]:
    document["metadata"].pop("managedFields", None)
    return document
