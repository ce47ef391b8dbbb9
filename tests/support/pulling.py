"""Attempts of a connector against a server, and what the ledger makes of them."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chartly.plan.runplan import RunPlan
from chartly.slices import SliceState
from chartly_connector.pull import Spooling, pull
from chartly_spool.segment import End, Segment
from chartly_spool.spool_reader import SpoolReader
from support.connecting import CANARY, connector_spec
from support.profiles import HOME as PROJECT
from support.spooling import MAIN, alone

CURSOR = {"mode": "cursor", "requestParam": "cursor", "responseField": "meta.next"}


@dataclasses.dataclass
class Pulled:
    end: End
    segments: list[Segment]
    resume: SliceState


def pulled(
    rig: Any,
    spool: Path,
    state: SliceState | None = None,
    limit: int = 2**20,
    **parts: Any,
) -> Pulled:
    """One attempt, and the state from which the next would start."""
    parts.setdefault("pagination", CURSOR)
    spool.mkdir(exist_ok=True)
    for old in spool.iterdir():
        old.unlink()
    client = rig.client(**parts)
    plan = RunPlan(PROJECT, "", "sales-http", connector_spec(**parts), "", (), (), (), (MAIN,))
    start = state or SliceState()
    with SpoolReader(spool) as reader:
        reader.write_state(alone(start))
        end = pull(plan, client, Spooling(spool, limit), rig.held.clock)
        segments = reader.next_segments(1000, 2**30, 1)
        assert reader.end == end
    for file in spool.iterdir():
        assert CANARY.encode() not in file.read_bytes()
    return Pulled(end, segments, resumed(start, segments))


def resumed(start: SliceState, segments: Sequence[Segment]) -> SliceState:
    """What the ledger gives back once every segment is committed."""
    if not segments:
        return start
    last = segments[-1].meta
    seen = (*start.seen, *(one.meta.token_hash for one in segments))
    return SliceState(last.page + 1, last.position, seen, last.position is None)


def bodies(found: Pulled) -> list[object]:
    return [json.loads(one.body)["data"] for one in found.segments]
