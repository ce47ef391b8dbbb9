import asyncio

import pytest

from chartly.names import MANAGED_BY, OURS
from chartly.reconcile.actions import Key
from chartly.reconcile.objects import version_of
from chartly_kube.kube_port import Expired, Refused, Unavailable, WatchEvent
from chartly_operator.follow import Follower
from chartly_operator.trimming import trim
from support.operator_shell import Shell

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "r-a1", "namespace": "a", "uid": "j", "labels": {MANAGED_BY: OURS}},
}
KEY = Key("Job", "a", "r-a1")


class Ended(Exception):  # noqa: N818 - it ends the endless
    """The script is over."""


class Scripted:
    """A port whose streams tell what a script says, one after the other."""

    def __init__(self, *streams):
        self.streams, self.asked = list(streams), []

    async def watched(self, kind, namespace, since, read):
        del read
        self.asked.append((kind, namespace, since))
        if not self.streams:
            raise Ended
        for one in self.streams.pop(0):
            if isinstance(one, Exception):
                raise one
            yield one


def told(kind, version):
    found = {**JOB, "metadata": {**JOB["metadata"], "resourceVersion": version}}
    return WatchEvent(kind, version, trim(found))


def followed(*streams):
    """The shell and the port after a script; the pauses between its streams."""
    shell, port, pauses = Shell(), Scripted(*streams), []

    async def sleep(seconds):
        pauses.append(seconds)

    shell.clock.sleep = sleep
    follower = Follower(port, shell.intake, shell.clock, lambda: 1.0)
    with pytest.raises(Ended):
        asyncio.run(follower.follow("Job", None))
    return shell, port, pauses


def test_what_is_told_is_known_and_the_next_stream_goes_on_behind_it():
    shell, port, pauses = followed(
        [told("ADDED", "5"), told("MODIFIED", "6")],
        [WatchEvent("BOOKMARK", "9", None)],
        [told("DELETED", "10")],
    )
    assert shell.cache.get(KEY) is None
    assert [since for _, _, since in port.asked] == ["", "6", "9", "10"]
    assert pauses == [0.1] * 3
    assert shell.intake.last_event == shell.clock.now()


def test_what_is_older_than_what_is_known_changes_nothing():
    shell, _, _ = followed([told("ADDED", "6"), told("MODIFIED", "5")])
    assert version_of(shell.cache.get(KEY)) == "6"


def test_a_stream_whose_past_is_forgotten_begins_anew():
    _, port, _ = followed([told("ADDED", "5"), Expired("too old")], [])
    assert [since for _, _, since in port.asked] == ["", "", ""]


@pytest.mark.parametrize(
    ("errors", "waits", "because"),
    [
        ([Unavailable("x")] * 3, [1.0, 2.0, 4.0], "each try comes later"),
        ([Unavailable("x")] * 8, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0], "at most 30 s"),
        ([Unavailable("x", retry_after=7.0)], [7.0], "the server asked for it"),
        ([Refused("no", 403)], [1.0], "a right may be given later"),
    ],
)
def test_a_stream_that_fails_is_tried_again(errors, waits, because):
    _, _, pauses = followed(*([error] for error in errors))
    assert pauses == waits, because


def test_a_stream_that_told_something_starts_to_count_anew():
    _, _, pauses = followed([Unavailable("x")], [told("ADDED", "5"), Unavailable("x")])
    assert pauses == [1.0, 1.0]
