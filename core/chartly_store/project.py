"""A project's database: its datasets, who writes them, and how their tables follow the profiles."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from chartly.api.event_schema import EventSchema
from chartly.api.reference import Project
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.load.evolution import changes
from chartly.load.sql import qualified
from chartly.load.tables import (
    DATASETS,
    add_indexes,
    create_dataset,
    create_project,
    data_table,
    dataset_view,
)
from chartly.names import database, sql_name
from chartly_store.port import Engine


def claim_view(dataset: str) -> str:
    """What stands while a dataset is claimed for the first time."""
    return sql_name(dataset) + "__claim"


@dataclass(frozen=True)
class DatasetRow:
    """What is recorded of a dataset.

    Attributes:
        layout: what can never change: time column, granularity, version field.
        sealed_before: windows that start before it are never computed again.
    """

    dataset: str
    workflow: str
    layout: str
    sealed_before: datetime | None
    version: int


class ProjectStore:
    """The tables of one project (INV-8: nothing here reaches another database)."""

    def __init__(self, engine: Engine, project: Project) -> None:
        self.engine = engine
        self.project = project
        self.database = database(project.tenant, project.project)

    def create(self) -> None:
        """Makes the database and the project's own tables, if they are not there."""
        for statement in create_project(self.database):
            self.engine.command(statement)

    def exists(self) -> bool:
        """Whether anything was ever stored for the project."""
        found = self.engine.rows(
            "SELECT count() FROM system.databases WHERE name = {name:String}",
            {"name": self.database},
        )
        return found[0][0] == 1

    def ensure_dataset(
        self, schema: EventSchema, storage: StorageSpec, workflow: str
    ) -> DatasetRow:
        """Makes a dataset's tables what its profiles say, and claims it for a workflow.

        Raises:
            RunError: ``DatasetInUse`` or ``SchemaIncompatible``.
        """
        layout = json.dumps(
            {
                "time": schema.time_column,
                "granularity": schema.granularity,
                "version": schema.version_field,
            }
        )
        row = self.claim(storage.dataset, workflow, layout)
        for statement in create_dataset(self.database, schema, storage):
            self.engine.command(statement)
        stored = self.columns(data_table(storage.dataset))
        for statement in changes(self.database, storage.dataset, schema, stored):
            self.engine.command(statement)
        for statement in add_indexes(self.database, schema, storage):
            self.engine.command(statement)
        self.engine.command(dataset_view(self.database, schema, storage.dataset))
        return row

    def claim(self, dataset: str, workflow: str, layout: str) -> DatasetRow:
        """Records who writes a dataset and how it is laid out; the first one keeps it.

        Raises:
            RunError: ``DatasetInUse`` or ``SchemaIncompatible``.
        """
        row = self.dataset(dataset) or self._first_claim(dataset, workflow, layout)
        if row.workflow != workflow:
            raise RunError(
                Reason.DATASET_IN_USE,
                f"dataset {dataset!r} is written by workflow {row.workflow!r}; "
                f"workflow {workflow!r} needs another one",
            )
        if row.layout != layout:
            raise RunError(
                Reason.SCHEMA_INCOMPATIBLE,
                f"dataset {dataset!r} is laid out as {row.layout}; {layout} needs another dataset",
            )
        return row

    def _first_claim(self, dataset: str, workflow: str, layout: str) -> DatasetRow:
        """Who comes first, where nobody is recorded yet.

        Two workflows that read and then insert would each find themselves alone. Of two that make
        a view, the engine keeps one, and its comment says whose it is. Once there is a record, it
        decides, and the view goes.
        """
        claim = qualified(self.database, claim_view(dataset))
        self.engine.command(
            f"CREATE VIEW IF NOT EXISTS {claim} AS SELECT 1 AS claimed COMMENT '{workflow}'"
        )
        found = self.engine.rows(
            "SELECT comment FROM system.tables "
            "WHERE database = {database:String} AND name = {name:String}",
            {"database": self.database, "name": claim_view(dataset)},
        )
        row = self.dataset(dataset)
        if row is None:
            row = DatasetRow(dataset, str(found[0][0]) if found else workflow, layout, None, 0)
            if row.workflow != workflow:
                return row
            self.record(row)
        self.engine.command(f"DROP VIEW IF EXISTS {claim}")
        return row

    def dataset(self, dataset: str) -> DatasetRow | None:
        """What is recorded of a dataset."""
        found = self.engine.rows(
            f"SELECT dataset, workflow, layout, sealed_before, version "
            f"FROM {qualified(self.database, DATASETS)} FINAL WHERE dataset = {{name:String}}",
            {"name": dataset},
        )
        return DatasetRow(*found[0]) if found else None  # type: ignore[arg-type]  # as stored

    def record(self, row: DatasetRow) -> None:
        """Records a dataset anew; the higher version stays."""
        self.insert_dicts(DATASETS, [{**asdict(row), "version": row.version + 1}])

    def forget(self, dataset: str) -> None:
        """Removes the record of a dataset that was dropped."""
        self.engine.command(
            f"ALTER TABLE {qualified(self.database, DATASETS)} "
            f"DELETE WHERE dataset = {{name:String}} SETTINGS mutations_sync = 1",
            {"name": dataset},
        )

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns and the engine's types; empty if it is not there."""
        found = self.engine.rows(
            "SELECT name, type FROM system.columns "
            "WHERE database = {database:String} AND table = {table:String} ORDER BY position",
            {"database": self.database, "table": table},
        )
        return {str(name): str(kind) for name, kind in found}

    def bytes_on_disk(self, dataset: str) -> int:
        """The compressed size of a dataset's rows."""
        found = self.engine.rows(
            "SELECT sum(bytes_on_disk) FROM system.parts "
            "WHERE active AND database = {database:String} AND table = {table:String}",
            {"database": self.database, "table": data_table(dataset)},
        )
        return int(str(found[0][0]))

    def insert_dicts(self, table: str, rows: list[dict[str, object]]) -> None:
        """Inserts a few rows into one of our own tables, as one block."""
        schema = pa.schema([(name, _arrow(value)) for name, value in rows[0].items()])
        self.engine.insert(self.database, table, pa.Table.from_pylist(rows, schema))

    def view(self, dataset: str) -> str:
        """The qualified name that users read."""
        return qualified(self.database, sql_name(dataset))


def _arrow(value: object) -> pa.DataType:
    if isinstance(value, datetime) or value is None:
        return pa.timestamp("ms", tz="UTC")
    return pa.uint64() if isinstance(value, int) else pa.string()
