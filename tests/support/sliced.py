"""Runs of several slices and streams: a plan, an API of pages, and what a connector leaves."""

from collections import Counter, deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chartly.api.pagination import Pagination
from chartly.api.reference import Project
from chartly.egress.pull_schedule import Idle, PullSchedule, SliceRequest
from chartly.egress.pull_verdict import verdict
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Reason, RunError
from chartly.plan.runplan import RunPlan
from chartly.slices import PullState, Slice, SliceState
from chartly_loader.load import load
from chartly_loader.load_request import LoadResult
from chartly_spool.segment import Counters, End, SegmentMeta, SliceEnd, digest
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.engine_port import Engine
from chartly_store.ledger import Ledger
from chartly_store.project_store import ProjectStore
from support.loading import Changes, attempts, clock, nothing, request, sales_plan

CURSOR = Pagination.model_validate(
    {"mode": "cursor", "requestParam": "after", "responseField": "next"}
)
DOWN = RunError(Reason.UPSTREAM_UNAVAILABLE, "status 500")

Bodies = Mapping[Slice, Sequence[bytes]]


def sliced_plan(project: Project, slices: Sequence[Slice]) -> RunPlan:
    """The playbook's plan, pulled by slices; each stream beside ``sales`` has its own dataset."""
    changes: Changes = {"normalizer": {"spec.rejectThreshold": {"percent": 100}}}
    plan = sales_plan(project, changes)
    (sales,) = plan.streams
    names = dict.fromkeys(slice_.stream for slice_ in slices)
    streams = tuple(
        replace(
            sales, name=name, storage=sales.storage.model_copy(update={"dataset": f"{name}-events"})
        )
        for name in names
    )
    return replace(plan, streams=streams, slices=tuple(slices))


def state_of(engine: Engine, plan: RunPlan, run_id: str = "run-1") -> PullState:
    """Where a connector would be told to start."""
    store = ProjectStore(engine, plan.project)
    if not store.exists():
        return PullState(dict.fromkeys(plan.slices, SliceState()))
    return Ledger(store).resume(run_id, plan.slices)


def spool_slices(
    spool: Path, state: PullState, bodies: Bodies, failing: Container[Slice] = ()
) -> End:
    """Leaves what a connector leaves that pulls two slices side by side.

    Args:
        failing: slices whose last page the API does not give.
    """
    spool.mkdir(parents=True, exist_ok=True)
    schedule = PullSchedule(CURSOR, state, 2)
    under_way: deque[SliceRequest] = deque()
    pages: Counter[Slice] = Counter()
    with SpoolWriter(spool) as writer:
        while (step := schedule.next()) is not Idle.OVER:
            if isinstance(step, SliceRequest):
                under_way.append(step)
                continue
            asked = under_way.popleft()
            slice_, page = asked.slice, int(asked.page.query.get("after", "0"))
            last = page + 1 == len(bodies[slice_])
            if last and slice_ in failing:
                schedule.failed(slice_, DOWN)
                continue
            facts = PageFacts(1, {"responseField": None if last else str(page + 1)})
            receipt = schedule.received(slice_, facts)
            body = bodies[slice_][page]
            meta = SegmentMeta(
                receipt.number, slice_, receipt.page, len(body), digest(body),
                "https://api.example.invalid/", 200, 1, receipt.position, asked.page.token_hash,
            )  # fmt: skip
            writer.write(meta, body)
            pages[slice_] += 1
        reason, message = verdict(schedule.ends)
        slices = tuple(
            SliceEnd(slice_, pages[slice_], error.reason, error.message)
            if error
            else SliceEnd(slice_, pages[slice_], Reason.SUCCEEDED, "")
            for slice_, error in schedule.ends
        )
        end = End(pages.total(), reason, message, Counters(pages=pages.total()), slices=slices)
        writer.end(end)
    return end


def load_slices(
    engine: Engine, plan: RunPlan, spool: Path, bodies: Bodies, failing: Container[Slice] = ()
) -> LoadResult:
    """The next attempt of a run: what is not committed yet is spooled, and loaded."""
    before = len(attempts(engine, plan, "run-1"))
    place = spool / str(before)
    spool_slices(place, state_of(engine, plan), bodies, failing)
    return load(request(plan, place, attempt=before + 1), engine, nothing, clock)
