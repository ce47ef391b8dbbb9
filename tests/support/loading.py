"""What a load needs: a plan, pages in a spool, and an engine that can die."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from chartly.api.documents import Json
from chartly.api.profile import parse_profile
from chartly.api.reference import Project
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import resolve
from chartly.plan.runplan import RunPlan
from chartly.plan.snapshot import freeze, thaw
from chartly.slices import SliceState
from chartly_loader.load import load
from chartly_loader.load_request import LoadRequest, LoadResult, Progress
from chartly_spool.segment import End, SegmentMeta, digest
from chartly_spool.spool_writer import SpoolWriter
from chartly_store.attempts import Attempt, Attempts
from chartly_store.engine_port import Engine, Parameters, Settings
from chartly_store.ledger import Ledger
from chartly_store.project_store import ProjectStore
from support.profiles import HOME, changed, playbook_profile, workflow
from support.spooling import MAIN, ended

FROZEN_AT = datetime(2026, 2, 10, 6, 0, tzinfo=UTC)
WORKFLOW = "sales-onboard"

Changes = Mapping[str, Mapping[str, Json]]


def sales_plan(project: Project = HOME, changes: Changes = MappingProxyType({})) -> RunPlan:
    """The playbook's plan.

    Args:
        project: whose plan it is; the profiles stay the playbook's.
        changes: for each kind of profile, values at dotted paths.
    """
    profiles = []
    for kind in ("connector", "normalizer", "storage", "analytics"):
        source = playbook_profile(kind)
        for path, value in changes.get(kind, {}).items():
            source = changed(source, path, value)
        profiles.append((HOME, parse_profile(source)))
    frozen = freeze(resolve(workflow(), Catalog(profiles), HOME))
    return replace(thaw(frozen.content, frozen.digest, HOME), project=project)


def sale(key: str, amount: str = "19.99", moment: str = "2026-02-02T10:15:00Z") -> bytes:
    """A record of the playbook's API; the amount keeps its digits."""
    return (
        f'{{"id": {json.dumps(key)}, "timestamp": {json.dumps(moment)}, '
        f'"totals": {{"amount": {amount}, "currency": "EUR"}}, "customer": {{"id": "c-1"}}}}'
    ).encode()


def page(records: Iterable[bytes]) -> bytes:
    return b'{"data": [' + b", ".join(records) + b"]}"


def spool_pages(
    spool: Path,
    pages: Sequence[bytes],
    first: int = 0,
    end: End | None = None,
    *,
    cut: bool = False,
) -> None:
    """Leaves what a connector leaves: the pages from ``first`` on, and its end.

    Args:
        cut: the API has more pages.
    """
    spool.mkdir(parents=True, exist_ok=True)
    rest = pages[first:]
    with SpoolWriter(spool) as writer:
        for number, body in enumerate(rest, first):
            writer.write(
                segment_meta(number, body, last=not cut and number == len(pages) - 1), body
            )
        writer.end(end or ended(len(rest)))


def segment_meta(number: int, body: bytes, *, last: bool) -> SegmentMeta:
    return SegmentMeta(
        number=number,
        slice=MAIN,
        page=number,
        size=len(body),
        sha256=digest(body),
        url="https://api.example.invalid/",
        status=200,
        records=1,
        position=None if last else {"token": str(number + 1)},
        token_hash=f"hash-{number}",
    )


def resume(engine: Engine, plan: RunPlan, run_id: str) -> SliceState:
    """Where a connector would be told to start."""
    store = ProjectStore(engine, plan.project)
    if not store.exists():
        return SliceState()
    return Ledger(store).resume(run_id, [MAIN]).slices[MAIN]


def request(plan: RunPlan, spool: Path, run_id: str = "run-1", attempt: int = 1) -> LoadRequest:
    return LoadRequest(
        plan=plan,
        workflow=WORKFLOW,
        workflow_version="1.0.0",
        run_id=run_id,
        attempt=attempt,
        ingested_at=FROZEN_AT,
        run_digest="sha256:run",
        spool=spool,
        checkpoint=spool.parent / "checkpoint",
    )


def nothing(_progress: Progress) -> None:
    """Hears how far a load is, and does nothing."""


def clock() -> datetime:
    return FROZEN_AT


def load_pages(
    engine: Engine, plan: RunPlan, spool: Path, pages: Sequence[bytes], run_id: str = "run-1"
) -> LoadResult:
    """The next attempt of a run: what is not committed yet is spooled, and loaded."""
    place = spool / f"{run_id}-{len(attempts(engine, plan, run_id))}"
    spool_pages(place, pages, resume(engine, plan, run_id).next_page)
    return load(
        request(plan, place, run_id, len(attempts(engine, plan, run_id)) + 1),
        engine,
        nothing,
        clock,
    )


def attempts(engine: Engine, plan: RunPlan, run_id: str) -> list[Attempt]:
    store = ProjectStore(engine, plan.project)
    return Attempts(store).of_run(run_id) if store.exists() else []


class CrashError(Exception):
    """The process died here."""


class DyingEngine:
    """An engine whose owner dies at one of its inserts.

    Args:
        dies: for each insert: its table, its place among all; whether to die before or after it.
    """

    def __init__(self, engine: Engine, dies: Callable[[str, int], str | None]) -> None:
        self._engine = engine
        self._dies = dies
        self.inserts: list[str] = []

    def command(self, sql: str, parameters: Parameters | None = None) -> None:
        self._engine.command(sql, parameters)

    def rows(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> list[tuple[object, ...]]:
        return self._engine.rows(sql, parameters, settings)

    def arrow(
        self, sql: str, parameters: Parameters | None = None, settings: Settings | None = None
    ) -> pa.Table:
        return self._engine.arrow(sql, parameters, settings)

    def formatted(self, sql: str, form: str, settings: Settings, database: str) -> bytes:
        return self._engine.formatted(sql, form, settings, database)

    def insert(self, database: str, table: str, rows: pa.Table) -> None:
        when = self._dies(table, len(self.inserts))
        if when == "before":
            raise CrashError
        self._engine.insert(database, table, rows)
        self.inserts.append(table)
        if when == "after":
            raise CrashError

    def release_unused(self) -> None:
        self._engine.release_unused()

    def close(self) -> None:
        self._engine.close()


def second_ledger() -> Callable[[str, int], str | None]:
    """For ``DyingEngine``: death before the second insert into the ledger, whose rows are there."""
    ledgers: list[str] = []

    def dies(table: str, _number: int) -> str | None:
        ledgers.append(table)
        return "before" if ledgers.count("__ledger") == 2 else None

    return dies
