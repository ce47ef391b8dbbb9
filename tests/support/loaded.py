"""What a load leaves: rows, counts that add up, and what its trail says."""

from pathlib import Path

from chartly.plan.runplan import RunPlan
from chartly_loader.load_request import LoadResult
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore

COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")


def events(
    engine: Engine,
    plan: RunPlan,
    columns: str = "event_id, amount, occurred_at",
    dataset: str = "sales-events",
) -> list[tuple[object, ...]]:
    """Rows of a dataset, or of an output, in order."""
    view = ProjectStore(engine, plan.project).view(dataset)
    return engine.rows(f"SELECT {columns} FROM {view} ORDER BY ALL")


def trail(engine: Engine, plan: RunPlan) -> list[str]:
    """The types of the audit events of the first attempt."""
    store = ProjectStore(engine, plan.project)
    entries = AuditLog(store, Checkpoint(Path("unused"))).run_entries("run-1", 1)
    return [str(one.event["type"]) for one in entries]


def sums(result: LoadResult) -> dict[str, int]:
    return {name: result.counts[name] for name in COUNTS}


def adds_up(result: LoadResult) -> bool:
    """INV-4."""
    counts = result.counts
    parts = ("loaded", "rejected", "duplicate", "filtered", "late")
    return counts["read"] == sum(counts[name] for name in parts)
