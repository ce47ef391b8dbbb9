"""A Kubernetes API server on loopback: real HTTP, few kinds, and every fault on demand."""

import asyncio
import contextlib
import copy
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from chartly.reconcile.actions import Key
from chartly_kube.kinds import KINDS
from support.fake_objects import Change, Failure, Json, Objects, has_labels, merged

TOKEN = "canary-token-5f0e"
READS = frozenset({"get", "list", "watch", "discover"})
_SHAPE = re.compile(
    r"(?P<root>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z]+))?)?"
)
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True)
class Call:
    """One request as it was answered; code 0 was not answered."""

    verb: str
    key: Key
    code: int
    body: Any = None

    @property
    def is_write(self) -> bool:
        return self.verb not in READS


@dataclass
class Fault:
    """What happens instead of an answer.

    Attributes:
        when: which calls it meets.
        code: answered instead, if given.
        lost: the connection is cut ``before`` or ``after`` the request was carried out.
        gate: waited for before anything else.
        times: how often; None for ever.
        met: set when the first call meets it.
    """

    when: Callable[[str, Key], bool]
    code: int = 0
    reason: str = "Fault"
    headers: dict[str, str] = field(default_factory=dict)
    lost: str = ""
    gate: asyncio.Event | None = None
    times: int | None = 1
    met: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class _Watch:
    kind: str
    namespace: str | None
    labels: dict[str, str]
    lines: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)

    def tell(self, change: Change) -> None:
        found = change.object
        if found["kind"] != self.kind or not has_labels(found, self.labels):
            return
        if self.namespace in {None, found["metadata"].get("namespace")}:
            self.lines.put_nowait({"type": change.type, "object": found})


class FakeApi:
    """The server; ``objects`` is its content, ``calls`` what it was asked."""

    def __init__(self) -> None:
        self.objects = Objects(changed=self._tell)
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.called = asyncio.Condition()
        self.hooks: list[Callable[[str, Json], None]] = []
        self.crds = True
        self.url = ""
        self._watches: set[_Watch] = set()

    # What tests do to it.

    def fault(self, verb: str, kind: str, **what: Any) -> Fault:
        """Meets calls of this verb and kind; ``name`` narrows it down."""
        name = what.pop("name", None)
        made = Fault(
            lambda one, key: one == verb and key.kind == kind and name in {None, key.name}, **what
        )
        self.faults.append(made)
        return made

    def add(self, document: Json) -> Json:
        return self.objects.create(document)

    def set_status(self, key: Key, status: Json) -> Json:
        """As another component of the cluster writes it."""
        return self.objects.update(key, lambda one: {**one, "status": status}, status=True)

    def change(self, key: Key, patch: Json) -> Json:
        return self.objects.update(key, lambda one: merged(one, patch))

    def remove(self, key: Key) -> None:
        self.objects.delete(key, None)

    def send(self, kind: str, event: Json) -> None:
        """Puts an event into every open watch of a kind, true or not."""
        for watch in self._watches:
            if watch.kind == kind:
                watch.lines.put_nowait(copy.deepcopy(event))

    def drop_watches(self, kind: str) -> None:
        for watch in self._watches:
            if watch.kind == kind:
                watch.lines.put_nowait(None)

    def watches(self, kind: str) -> int:
        return sum(1 for watch in self._watches if watch.kind == kind)

    def compact(self) -> None:
        """Forgets all versions before now."""
        self.objects.oldest = self.objects.version

    def writes(self, *kinds: str) -> list[Call]:
        return [one for one in self.calls if one.is_write and (not kinds or one.key.kind in kinds)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Returns when something that a call brings about is true."""
        async with self.called:
            await self.called.wait_for(true)

    # How it answers.

    def _tell(self, change: Change) -> None:
        for watch in self._watches:
            watch.tell(change)
        for hook in self.hooks:
            hook(change.type, copy.deepcopy(change.object))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _answer(Failure(401, "Unauthorized", "Unauthorized").document(), 401)
        shape = _SHAPE.fullmatch(request.path)
        kind = _kind_at(shape["root"], shape["plural"]) if shape else None
        if shape is None or kind is None:
            document, code = self._discovery(request.path)
            await self._note(Call("discover", Key("", "", request.path), code))
            return _answer(document, code)
        key = Key(kind, shape["namespace"] or "", shape["name"] or "")
        text = await request.text()
        body: Any = json.loads(text) if text else None
        verb = _verb(request, key)
        if verb == "create":
            key = Key(kind, key.namespace, body["metadata"].get("name", ""))
        return await self._guarded(request, verb, key, shape["part"] or "", body)

    async def _guarded(
        self, request: web.Request, verb: str, key: Key, part: str, body: Any
    ) -> web.StreamResponse:
        fault = self._met(verb, key)
        if fault is not None:
            fault.met.set()
            if fault.gate is not None:
                await fault.gate.wait()
        if fault is not None and fault.lost == "before":
            return await self._cut(request, verb, key, body)
        if fault is not None and fault.code:
            failure = Failure(fault.code, fault.reason, f"fault {fault.code}")
            await self._note(Call(verb, key, fault.code, body))
            return _answer(failure.document(), fault.code, fault.headers)
        if verb == "watch":
            await self._note(Call(verb, key, 200))
            return await self._watch(request, key)
        try:
            code, document = (
                201 if verb == "create" else 200,
                self._do(request, verb, key, part, body),
            )
        except Failure as failure:
            code, document = failure.code, failure.document()
        if fault is not None and fault.lost == "after":
            return await self._cut(request, verb, key, body)
        await self._note(Call(verb, key, code, body))
        return _answer(document, code)

    def _met(self, verb: str, key: Key) -> Fault | None:
        for fault in self.faults:
            if fault.times != 0 and fault.when(verb, key):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    async def _cut(self, request: web.Request, verb: str, key: Key, body: Any) -> web.Response:
        await self._note(Call(verb, key, 0, body))
        if request.transport is not None:
            request.transport.close()
        return web.Response()

    async def _note(self, call: Call) -> None:
        self.calls.append(call)
        async with self.called:
            self.called.notify_all()

    def _do(self, request: web.Request, verb: str, key: Key, part: str, body: Any) -> Json:
        objects = self.objects
        does: dict[str, Callable[[], Json]] = {
            "list": lambda: self._list(request, key),
            "get": lambda: objects.get(key),
            "create": lambda: objects.create(body),
            "delete": lambda: self._delete(key, body or {}),
            "update": lambda: objects.update(key, lambda _: body),
            "patch": lambda: objects.update(key, lambda one: merged(one, body)),
            "apply": lambda: objects.apply(key, body, request.query["fieldManager"]),
        }
        return does[verb]()

    def _delete(self, key: Key, options: Json) -> Json:
        found, kept = self.objects.delete(key, options.get("preconditions", {}).get("uid"))
        return found if kept else {"kind": "Status", "metadata": {}, "status": "Success"}

    def _list(self, request: web.Request, key: Key) -> Json:
        labels = _labels(request)
        found = self.objects.all(key.kind, key.namespace or None, labels)
        start = int(request.query.get("continue", "0:0").split(":")[1])
        limit = int(request.query.get("limit", "0")) or len(found) or 1
        metadata = {"resourceVersion": str(self.objects.version)}
        if start + limit < len(found):
            metadata["continue"] = f"{self.objects.version}:{start + limit}"
        items = copy.deepcopy(found[start : start + limit])
        for one in items:
            # Lists of built-in kinds leave these out, as the real server's do.
            if not one["apiVersion"].startswith("chartly.io"):
                del one["kind"], one["apiVersion"]
        version = KINDS[key.kind].api_version
        return {
            "kind": f"{key.kind}List",
            "apiVersion": version,
            "metadata": metadata,
            "items": items,
        }

    async def _watch(self, request: web.Request, key: Key) -> web.StreamResponse:
        watch = _Watch(key.kind, key.namespace or None, _labels(request))
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        self._begin(request, watch)
        self._watches.add(watch)
        try:
            await response.prepare(request)
            # Only now do the headers leave; a real server sends them at once.
            await response.write(b"\n")
            while (line := await watch.lines.get()) is not None:
                await response.write(json.dumps(line).encode() + b"\n")
        except ConnectionError:
            pass
        finally:
            self._watches.discard(watch)
        return response

    def _begin(self, request: web.Request, watch: _Watch) -> None:
        since = request.query.get("resourceVersion")
        if since is not None and int(since) < self.objects.oldest:
            gone = Failure(410, "Expired", "too old resource version").document()
            watch.lines.put_nowait({"type": "ERROR", "object": gone})
            watch.lines.put_nowait(None)
            return
        if since is not None:
            for change in self.objects.history:
                if change.version > int(since):
                    watch.tell(change)
            return
        for one in self.objects.all(watch.kind, watch.namespace, watch.labels):
            watch.lines.put_nowait({"type": "ADDED", "object": one})
        watch.lines.put_nowait(self.bookmark(watch.kind))

    def bookmark(self, kind: str) -> Json:
        annotations = {"k8s.io/initial-events-end": "true"}
        metadata = {"resourceVersion": str(self.objects.version), "annotations": annotations}
        return {"type": "BOOKMARK", "object": {"kind": kind, "metadata": metadata}}

    def _discovery(self, path: str) -> tuple[Json, int]:
        roots = {place.root for place in KINDS.values()}
        groups = sorted(
            root.removeprefix("/apis/").split("/")[0] for root in roots if "apis" in root
        )
        if path == "/version":
            return {"major": "1", "minor": "35"}, 200
        if path == "/api":
            return {"versions": ["v1"]}, 200
        if path == "/apis":
            names = [*groups, "apiextensions.k8s.io"]
            return {"groups": [_group(name) for name in names]}, 200
        if path == "/apis/apiextensions.k8s.io/v1":
            return {"resources": [_resource("CustomResourceDefinition", False)]}, 200
        if path not in roots or ("chartly.io" in path and not self.crds):
            return Failure(404, "NotFound", f"{path} not found").document(), 404
        found = [_resource(kind, one.namespaced) for kind, one in KINDS.items() if one.root == path]
        return {"resources": found}, 200


def _verb(request: web.Request, key: Key) -> str:
    if request.method == "GET":
        if key.name:
            return "get"
        return "watch" if request.query.get("watch") == "true" else "list"
    if request.method == "PATCH":
        return "apply" if "apply" in request.headers["Content-Type"] else "patch"
    return _VERBS[request.method]


def _kind_at(root: str, plural: str) -> str | None:
    return next(
        (kind for kind, one in KINDS.items() if (one.root, one.plural) == (root, plural)), None
    )


def _labels(request: web.Request) -> dict[str, str]:
    parts = [one for one in request.query.get("labelSelector", "").split(",") if one]
    return dict(one.split("=", 1) for one in parts)


def _group(name: str) -> Json:
    version = {"version": "v1alpha1" if name == "chartly.io" else "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resource(kind: str, namespaced: bool) -> Json:
    plural = KINDS[kind].plural if kind in KINDS else f"{kind.lower()}s"
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    return {
        "name": plural,
        "singularName": kind.lower(),
        "kind": kind,
        "namespaced": namespaced,
        "verbs": verbs,
    }


def _answer(document: Json, code: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(document, status=code, headers=headers)


@contextlib.asynccontextmanager
async def fake_api(documents: Iterable[Json] = ()) -> AsyncIterator[FakeApi]:
    """A server that runs until the block ends."""
    fake = FakeApi()
    for document in documents:
        fake.add(document)
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        for kind in KINDS:
            fake.drop_watches(kind)
        # A connection that is being accepted while the socket closes would never be closed.
        for _ in range(10):
            await asyncio.sleep(0)
        await runner.cleanup()


def kubeconfig(fake: FakeApi, folder: Path) -> Path:
    """A kubeconfig for the server, with the token that it wants."""
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "clusters": [{"name": "fake", "cluster": {"server": fake.url}}],
        "users": [{"name": "fake", "user": {"token": TOKEN}}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
