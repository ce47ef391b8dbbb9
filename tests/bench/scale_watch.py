"""Connections of the scale benchmark to the API server: calls, and watches that count."""

import collections
import contextlib
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import msgspec

from bench.scale_objects import Call
from cluster.rig import Rig

_CONNECTIONS = 8
_APPLY = "application/apply-patch+yaml"
_LIMIT = 900.0
_WATCH_SECONDS = 1800


def connected(rig: Rig, timeout: float = 60) -> http.client.HTTPSConnection:
    tls = ssl.create_default_context(cafile=rig.layout.keys / "ca.crt")
    tls.load_cert_chain(rig.layout.keys / "admin.crt", rig.layout.keys / "admin.key")
    return http.client.HTTPSConnection(rig.layout.node_ip, 6443, context=tls, timeout=timeout)


class Caller:
    """One kept connection to the API server; each thread has its own."""

    def __init__(self, rig: Rig) -> None:
        self._server = connected(rig)

    def __call__(self, method: str, path: str, document: object = None) -> Any:
        body = None if document is None else json.dumps(document)
        form = "application/json"
        if method == "PATCH":
            form = _APPLY if "force=true" in path else "application/merge-patch+json"
        self._server.request(method, path, body, {"Content-Type": form})
        answer = self._server.getresponse()
        content = answer.read()
        if answer.status >= http.client.MULTIPLE_CHOICES:
            raise RuntimeError(content.decode())
        return json.loads(content)


def side_by_side(rig: Rig, groups: Iterable[Sequence[Call]]) -> None:
    """Makes calls on eight connections; those of a group one after the other."""
    given = list(groups)

    def make(part: list[Sequence[Call]]) -> None:
        caller = Caller(rig)
        for call in chain(*part):
            caller(*call)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(make, [given[place::_CONNECTIONS] for place in range(_CONNECTIONS)]))


class _Condition(msgspec.Struct):
    type: str
    status: str


class _Status(msgspec.Struct):
    conditions: list[_Condition] = []


class _Metadata(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    generate_name: str = msgspec.field(default="", name="generateName")


class _Object(msgspec.Struct):
    metadata: _Metadata
    status: _Status = msgspec.field(default_factory=_Status)


class _Event(msgspec.Struct):
    type: str
    object: _Object


Place = tuple[str, str]
"""Namespace and name."""
_PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class Counter:
    """Counts the objects of a series by one watch; ``burst-7`` is of the series ``burst``.

    Args:
        path: of the collection, with a selector if one is wanted.
        condition: its type; without it objects count from when they were first seen.

    Attributes:
        times: by place, when each first counted.
    """

    def __init__(self, rig: Rig, path: str, condition: str = "") -> None:
        self.times: dict[Place, float] = {}
        self._rig, self._condition = rig, condition
        mark = "&" if "?" in path else "?"
        self._path = f"{path}{mark}watch=1&resourceVersion=0&timeoutSeconds={_WATCH_SECONDS}"
        self._counts: collections.Counter[str] = collections.Counter()
        self._changed, self._ended = threading.Condition(), False
        # The watch is on before anything is created, so that each object is seen when it comes.
        threading.Thread(target=self._run, args=(self._opened(),), daemon=True).start()

    def wait(self, series: str, wanted: int) -> None:
        """Returns when so many objects of a series count."""
        until = time.monotonic() + _LIMIT
        with self._changed:
            while self._counts[series] < wanted:
                if self._ended or not self._changed.wait(until - time.monotonic()):
                    raise TimeoutError(f"{series}: {self._counts[series]} of {wanted}")

    def _opened(self) -> http.client.HTTPResponse:
        form = "application/json" if self._condition else _PARTIAL
        server = connected(self._rig, _WATCH_SECONDS)
        server.request("GET", self._path, headers={"Accept": form})
        stream = server.getresponse()
        if stream.status != http.client.OK:
            raise RuntimeError(stream.read().decode())
        return stream

    def _run(self, stream: http.client.HTTPResponse) -> None:
        decoder = msgspec.json.Decoder(_Event)
        with contextlib.suppress(OSError, http.client.HTTPException):  # the rig has ended
            while True:
                while line := stream.readline():
                    self._take(decoder.decode(line), time.time())
                # The server ends a watch now and then; a new one begins with what is there.
                stream = self._opened()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, event: _Event, now: float) -> None:
        metadata = event.object.metadata
        # A Pod counts under its Job's name, and a Job under its run's.
        name = (metadata.generate_name or metadata.name).rstrip("-").removesuffix("-a1")
        place = metadata.namespace, name
        counts = event.type in {"ADDED", "MODIFIED"} and (
            not self._condition
            or any(
                found.type == self._condition and found.status == "True"
                for found in event.object.status.conditions
            )
        )
        if counts and place not in self.times:
            self.times[place] = now
            with self._changed:
                self._counts[name.partition("-")[0]] += 1
                self._changed.notify_all()
