"""The tables of a project beside its datasets, as SQL text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chartly.load.dataset_tables import INSTANT, TEXT, create_table
from chartly.load.sql import qualified, quoted
from chartly.load.store_format import extended

LEDGER = "__ledger"
ATTEMPTS = "__attempts"
PUBLISHED = "__published"
DATASETS = "__datasets"
EPOCHS = "__epochs"
STATE = "__state"
FORMATS = "__format"


@dataclass(frozen=True)
class ProjectTable:
    """The layout of a table.

    Attributes:
        version: the column whose highest value wins among rows of one key.
        order: its sorting key.
    """

    columns: Mapping[str, str]
    version: str
    order: str

    @property
    def engine(self) -> str:
        order = f"({self.order})" if "," in self.order else self.order
        return f"ReplacingMergeTree({self.version}) ORDER BY {order}"


_COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late", "erased")
PROJECT_TABLES: Mapping[str, ProjectTable] = {
    ATTEMPTS: ProjectTable(
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
            "epoch": "UInt64",
        },
        "version",
        "run_id, attempt",
    ),
    LEDGER: ProjectTable(
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
            "page_sha256": "String",
            "bytes": "UInt64",
            **dict.fromkeys(_COUNTS, "UInt64"),
            "position": "String",
            "token_hash": "String",
            "committed_at": INSTANT,
        },
        "ordinal",
        "dataset, run_id, stream, segment, slice, `index`",
    ),
    PUBLISHED: ProjectTable(
        {
            "dataset": TEXT,
            "window_start": INSTANT,
            "window_end": INSTANT,
            "generation": "UInt64",
            "run_id": TEXT,
            "digest": TEXT,
            "rows": "UInt64",
            "covers": "UInt64 DEFAULT generation",
        },
        "generation",
        "dataset, window_start",
    ),
    DATASETS: ProjectTable(
        {
            "dataset": TEXT,
            "workflow": TEXT,
            "layout": "String",
            "sealed_before": f"Nullable({INSTANT})",
            "version": "UInt64",
        },
        "version",
        "dataset",
    ),
    EPOCHS: ProjectTable(
        {"dataset": TEXT, "epoch": "UInt64", "run_id": "String", "recorded_at": INSTANT},
        "epoch",
        "dataset",
    ),
    STATE: ProjectTable(
        {
            "workflow": TEXT,
            "connector": TEXT,
            "stream": TEXT,
            "partition": "String",
            "position": "String",
            "run_id": "String",
            "ordinal": "UInt32",
            "recorded_at": INSTANT,
        },
        "ordinal",
        "workflow, connector, stream, partition",
    ),
    FORMATS: ProjectTable(
        {"format": "UInt32", "recorded_at": f"{INSTANT} DEFAULT now64(3)"}, "format", "format"
    ),
}

_DROPPED = {LEDGER: ("state_key",)}
"""Columns of format 1 that nothing reads."""


def create_project(database: str, stored: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """The statements that create what the project's database lacks, in this format.

    Args:
        stored: the columns of the tables that exist.
    """
    statements = [] if stored else [f"CREATE DATABASE IF NOT EXISTS {quoted(database)}"]
    for name, table in PROJECT_TABLES.items():
        columns = (stored or {}).get(name, ())
        if not columns:
            statements.append(create_table(database, name, table.columns, table.engine))
        statements += extended(database, name, columns, table.columns, table.order)
        statements += [
            f"ALTER TABLE {qualified(database, name)} DROP COLUMN IF EXISTS {quoted(column)}"
            for column in _DROPPED.get(name, ())
            if column in columns
        ]
    return statements
