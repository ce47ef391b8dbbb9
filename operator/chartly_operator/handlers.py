"""The handlers that kopf calls: they pass on watch events and do nothing else.

So kopf writes nothing: no annotation, no finalizer, no progress, no Event.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import kopf

from chartly_kube.kinds import KINDS, OWN
from chartly_operator.intake import WatchIntake

_BACKOFFS = (1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0)
Login = Callable[..., Awaitable[kopf.AiohttpSession]]


@dataclass(frozen=True)
class Jittered:
    """Seconds between tries; after the last, kopf gives up and this process is restarted."""

    chance: Callable[[], float]

    def __iter__(self) -> Iterator[float]:
        return (seconds * (0.5 + self.chance() / 2) for seconds in _BACKOFFS)

    def __len__(self) -> int:
        return len(_BACKOFFS)


class Memo:
    """What kopf passes to handlers; kopf copies it for each object, so the copy is the same."""

    def __init__(self, intake: WatchIntake) -> None:
        self.intake = intake

    def __copy__(self) -> "Memo":
        return self


class _NoDiffBase(kopf.DiffBaseStorage):
    """Stores nothing of an object, since no handler compares it with an earlier version.

    By default kopf copies the object of each watch event several times.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:  # noqa: ANN401 - what kopf passes
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return None

    def store(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return


class _NoProgress(kopf.ProgressStorage):
    """Stores nothing, since no handler has progress."""

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return None

    def store(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return

    def purge(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return

    def touch(self, **_: Any) -> None:  # noqa: ANN401 - what kopf passes
        return

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def settings(chance: Callable[[], float], *, watch_list: bool) -> kopf.OperatorSettings:
    """Settings that make kopf a source of events only."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    # Tasks that do not end are killed with the process by whatever supervises it.
    chosen.process.ultimate_exiting_timeout = None
    chosen.scanning.disabled = True
    chosen.peering.standalone = True
    chosen.persistence.diffbase_storage = _NoDiffBase()
    chosen.persistence.progress_storage = _NoProgress()
    # A worker that lingers for the default of five seconds keeps two tasks for each object.
    chosen.queueing.idle_timeout = 0.2
    chosen.queueing.exit_timeout = 0.2
    chosen.networking.error_backoffs = Jittered(chance)
    # A late page ends this process (410); a single answer with everything exceeds its memory.
    chosen.watching.chunk_size = 500
    chosen.watching.initial_streaming = watch_list
    return chosen


def registry(login: Login) -> kopf.OperatorRegistry:
    """A registry with this operator's handlers only."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def _login(**_: Any) -> kopf.AiohttpSession:  # noqa: ANN401 - what kopf adds
        return await login()

    async def received(event: kopf.RawEvent, memo: Memo, **_: Any) -> None:  # noqa: ANN401
        memo.intake.event(event["type"], dict(event["object"]))

    for kind in OWN:
        kopf.on.event(*_group_version(kind), KINDS[kind].plural, registry=handlers)(received)
    return handlers


def _group_version(kind: str) -> tuple[str, str]:
    group, _, version = KINDS[kind].api_version.rpartition("/")
    return group, version
