"""A fixture's run through spool, loader and analytics into a store that is thrown away."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from chartly.errors import Reason
from chartly.plan.digest import run_digest
from chartly.plan.prepare import FrozenWorkflow
from chartly.plan.runplan import RunPlan
from chartly_cli.fixtures import Fixture, page_of
from chartly_loader.load import load
from chartly_loader.load_request import LoadRequest, LoadResult
from chartly_spool.segment import Counters, End, SegmentMeta, SliceEnd, digest
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.embedded import open_embedded
from chartly_store.engine_port import Engine

_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def run_twice(frozen: FrozenWorkflow, fixtures: list[Fixture]) -> tuple[LoadResult, LoadResult]:
    """Loads the fixtures twice into one fresh store; both results must be alike."""
    with tempfile.TemporaryDirectory(prefix="chartly-test-") as name:
        folder = Path(name)
        engine = open_embedded(folder / "store")
        try:
            first, second = (_load(frozen, fixtures, folder, engine, n) for n in (1, 2))
        finally:
            engine.close()
    return first, second


def _load(
    frozen: FrozenWorkflow, fixtures: list[Fixture], folder: Path, engine: Engine, number: int
) -> LoadResult:
    spool = folder / f"spool-{number}"
    spool.mkdir()
    _fill(spool, fixtures, frozen.plan)
    workflow = frozen.resolution.workflow
    request = LoadRequest(
        plan=frozen.plan,
        workflow=workflow.name,
        workflow_version=workflow.version,
        run_id=f"test-{number}",
        attempt=1,
        # A fixed moment, so that retention and evidence do not depend on the day of the test.
        ingested_at=_MOMENT,
        run_digest=run_digest(frozen.snapshot.digest, {}, None),
        spool=spool,
        checkpoint=folder / "audit.head",
    )
    return load(request, engine, lambda _: None, lambda: _MOMENT)


def _fill(spool: Path, fixtures: list[Fixture], plan: RunPlan) -> None:
    (slice_,) = plan.slices
    with SpoolWriter(spool) as writer:
        for number, fixture in enumerate(fixtures):
            body = page_of(fixture.sample, plan)
            body_hash = digest(body)
            meta = SegmentMeta(
                number=number,
                slice=slice_,
                page=number,
                size=len(body),
                sha256=body_hash,
                url=f"fixture:{fixture.name}",
                status=200,
                records=0,
                position=None,
                token_hash=body_hash,
            )
            writer.write(meta, body)
        pages = len(fixtures)
        ends = (SliceEnd(slice_, pages, Reason.SUCCEEDED, ""),)
        writer.end(End(pages, Reason.SUCCEEDED, "", Counters(pages=pages), slices=ends))
