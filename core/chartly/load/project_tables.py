"""The tables that a project has beside its datasets, as SQL text."""

from chartly.load.sql import quoted
from chartly.load.tables import INSTANT, TEXT, create_table

LEDGER = "__ledger"
ATTEMPTS = "__attempts"
PUBLISHED = "__published"
DATASETS = "__datasets"

_COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")
_SYSTEM: dict[str, tuple[dict[str, str], str]] = {
    ATTEMPTS: (
        {
            "run_id": "String",
            "attempt": "UInt32",
            "ordinal": "UInt32",
            "workflow": TEXT,
            "workflow_version": TEXT,
            "config_digest": TEXT,
            "state": TEXT,
            "reason": TEXT,
            "message": "String",
            "result": "String",
            "audit_head": "String",
            "ingested_at": INSTANT,
            "updated_at": INSTANT,
            "version": "UInt8",
        },
        "ReplacingMergeTree(version) ORDER BY (run_id, attempt)",
    ),
    LEDGER: (
        {
            "dataset": TEXT,
            "run_id": TEXT,
            "stream": TEXT,
            "slice": TEXT,
            "segment": "UInt32",
            "page": "UInt32 DEFAULT segment",
            "index": "UInt16",
            "attempt": "UInt32",
            "ordinal": "UInt32",
            "state_key": TEXT,
            "page_sha256": "String",
            "bytes": "UInt64",
            **dict.fromkeys(_COUNTS, "UInt64"),
            "position": "String",
            "token_hash": "String",
            "committed_at": INSTANT,
        },
        "ReplacingMergeTree(ordinal) ORDER BY (dataset, run_id, stream, segment, slice, `index`)",
    ),
    PUBLISHED: (
        {
            "dataset": TEXT,
            "window_start": INSTANT,
            "window_end": INSTANT,
            "generation": "UInt64",
            "run_id": TEXT,
            "digest": TEXT,
            "rows": "UInt64",
        },
        "ReplacingMergeTree(generation) ORDER BY (dataset, window_start)",
    ),
    DATASETS: (
        {
            "dataset": TEXT,
            "workflow": TEXT,
            "layout": "String",
            "sealed_before": f"Nullable({INSTANT})",
            "version": "UInt64",
        },
        "ReplacingMergeTree(version) ORDER BY dataset",
    ),
}


def create_project(database: str) -> list[str]:
    """The project's database and its own tables."""
    return [f"CREATE DATABASE IF NOT EXISTS {quoted(database)}"] + [
        create_table(database, table, columns, engine)
        for table, (columns, engine) in _SYSTEM.items()
    ]
