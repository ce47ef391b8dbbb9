import asyncio
import json

import pytest

from chartly_kube.kube_port import Expired, Unavailable, WatchEvent
from chartly_kube.watch_stream import lines, watch_event


class Arriving:
    """An answer's content that arrives in pieces."""

    def __init__(self, pieces):
        self.pieces = pieces

    async def iter_any(self):
        for piece in self.pieces:
            yield piece


def read_in(*pieces):
    async def scenario():
        return [line async for line in lines(Arriving(pieces))]

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("pieces", "found", "because"),
    [
        ([b"a\nb\n"], [b"a", b"b"], "two at once"),
        ([b"a", b"b", b"\nc\n"], [b"ab", b"c"], "one in pieces"),
        ([b"\n\na\n"], [b"a"], "empty lines keep a connection alive"),
        ([b"a\nrest"], [b"a"], "a line that was cut off tells nothing"),
        ([b"x" * 300_000, b"\n"], [b"x" * 300_000], "inputs of a megabyte are one line"),
    ],
)
def test_lines_of_any_length_in_any_pieces(pieces, found, because):
    assert read_in(*pieces) == found, because


def event(kind, found):
    return watch_event(
        "watch jobs", json.dumps({"type": kind, "object": found}).encode(), json.loads
    )


def test_an_event_has_its_version_and_object():
    found = {"metadata": {"resourceVersion": "7"}, "x": 1}
    assert event("ADDED", found) == WatchEvent("ADDED", "7", found)
    assert event("BOOKMARK", found) == WatchEvent("BOOKMARK", "7", None)


@pytest.mark.parametrize(
    ("status", "kind", "because"),
    [
        ({"code": 410, "reason": "Expired", "message": "old"}, Expired, "it has to start again"),
        ({"code": 500, "message": "leader changed"}, Unavailable, "it may go on later"),
        ({"message": "no code"}, Unavailable, "an error without a code is one all the same"),
        ({"code": "x"}, Unavailable, "a code that is none, too"),
    ],
)
def test_an_error_in_the_stream_ends_it(status, kind, because):
    with pytest.raises(kind, match="cannot watch jobs"):
        event("ERROR", {"kind": "Status", **status})
    assert because


@pytest.mark.parametrize("line", [b"<html>", b"[]", b'{"type": "ADDED"}', b'{"object": {}}'])
def test_what_is_not_a_watch_is_no_answer(line):
    with pytest.raises(Unavailable, match="is not JSON"):
        watch_event("watch jobs", line, json.loads)
