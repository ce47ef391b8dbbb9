"""A project's database: its datasets, their writers, and the evolution of their tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from chartly.api.event_schema import EventSchema
from chartly.api.reference import Project
from chartly.api.storage import StorageSpec
from chartly.errors import Reason, RunError
from chartly.load.dataset_tables import data_table, rejected_table
from chartly.load.page_dataset import create_pages, pages_dataset, pages_layout
from chartly.load.project_tables import DATASETS, FORMATS, create_project
from chartly.load.sql import qualified
from chartly.load.store_format import FORMAT, check_format
from chartly.names import database, sql_name
from chartly_store.arrow_rows import table_of
from chartly_store.engine_port import Engine
from chartly_store.exchange import unfenced
from chartly_store.layout import Layout
from chartly_store.system_tables import columns, columns_by_table, read_only_replicas, size


def claim_view(dataset: str) -> str:
    """The view that exists while a dataset is claimed for the first time."""
    return sql_name(dataset) + "__claim"


@dataclass(frozen=True)
class DatasetRow:
    """The record of a dataset.

    Attributes:
        layout: the order and partitions of its rows, as JSON.
        sealed_before: windows that start before it are not computed again.
    """

    dataset: str
    workflow: str
    layout: str
    sealed_before: datetime | None
    version: int


class ProjectStore:
    """The tables of one project (INV-8: no statement names another database)."""

    def __init__(self, engine: Engine, project: Project) -> None:
        self.engine = engine
        self.project = project
        self.database = database(project.tenant, project.project)

    def create(self) -> None:
        """Creates the database and the project's own tables, or migrates them to the format.

        Tables of a dataset are migrated by its next ``ensure_dataset``.

        Raises:
            RunError: ``SchemaIncompatible``: a later version of Chartly wrote them.
        """
        stored = columns_by_table(self.engine, self.database)
        number = self._format(stored)
        check_format(self.database, number)
        for statement in create_project(self.database, stored):
            self.engine.command(statement)
        if number < FORMAT:
            # Last: the number is recorded once the migration is complete.
            self.insert_dicts(FORMATS, [{"format": FORMAT}])

    def _format(self, stored: Mapping[str, Sequence[str]]) -> int:
        """The recorded number of the project's tables; 0 where none is."""
        if FORMATS not in stored:
            return 0
        table = qualified(self.database, FORMATS)
        return int(str(self.engine.rows(f"SELECT max(format) FROM {table}")[0][0]))

    def check_writable(self) -> None:
        """Raises where a table of the database accepts no rows.

        Raises:
            RunError: ``StoreUnavailable``: a replica is read-only, as without its Keeper.
        """
        tables = read_only_replicas(self.engine, self.database)
        if tables:
            raise RunError(
                Reason.STORE_UNAVAILABLE,
                f"database {self.database!r}: the replica of table {tables[0]!r} is read-only"
                + (f", and of {len(tables) - 1} more" if tables[1:] else ""),
            )

    def exists(self) -> bool:
        """Whether the project has a database with tables.

        Raises:
            RunError: ``SchemaIncompatible``: a later version of Chartly wrote them.
        """
        stored = columns_by_table(self.engine, self.database)
        check_format(self.database, self._format(stored))
        return bool(stored)

    def ensure_dataset(
        self,
        schema: EventSchema,
        storage: StorageSpec,
        workflow: str,
        check_turn: Callable[[], None] = unfenced,
    ) -> DatasetRow:
        """Creates or alters a dataset's tables as its profiles require, and claims it.

        Args:
            workflow: for which the dataset is claimed.
            check_turn: raises where the attempt may not write any more; called before stored rows
                are moved to another layout.

        Raises:
            RunError: ``DatasetInUse`` or ``SchemaIncompatible``.
        """
        layout = Layout(self.engine, self.database, schema, storage)
        row = self._claimed(storage.dataset, workflow, layout.record)
        layout.ensure(row.layout, check_turn)
        if row.layout != layout.record:
            row = self.record(replace(row, layout=layout.record))
        if storage.raw.enabled:
            pages = pages_dataset(storage)
            self.claim(pages, workflow, pages_layout(storage.dataset))
            stored = list(self.columns(data_table(pages)))
            for statement in create_pages(self.database, pages, stored):
                self.engine.command(statement)
        return row

    def claim(self, dataset: str, workflow: str, layout: str) -> DatasetRow:
        """Records the writer and the layout of a dataset; the first writer keeps it.

        Raises:
            RunError: ``DatasetInUse`` or ``SchemaIncompatible``.
        """
        row = self._claimed(dataset, workflow, layout)
        if row.layout != layout:
            raise RunError(
                Reason.SCHEMA_INCOMPATIBLE,
                f"dataset {dataset!r} is laid out as {row.layout}; {layout} needs another dataset",
            )
        return row

    def _claimed(self, dataset: str, workflow: str, layout: str) -> DatasetRow:
        row = self.dataset(dataset) or self._first_claim(dataset, workflow, layout)
        if row.workflow != workflow:
            raise RunError(
                Reason.DATASET_IN_USE,
                f"dataset {dataset!r} is written by workflow {row.workflow!r}; "
                f"workflow {workflow!r} needs another one",
            )
        return row

    def _first_claim(self, dataset: str, workflow: str, layout: str) -> DatasetRow:
        """The row of the first claimant of a dataset without a record.

        Two workflows that read and then insert would each find no other one. Of two that create
        a view, the engine keeps the first, and its comment names the workflow. Once there is a
        record, it decides, and the view is dropped.
        """
        claim = qualified(self.database, claim_view(dataset))
        self.engine.command(
            f"CREATE VIEW IF NOT EXISTS {claim} AS SELECT 1 AS claimed COMMENT '{workflow}'"
        )
        claims = self.engine.rows(
            "SELECT comment FROM system.tables "
            "WHERE database = {database:String} AND name = {name:String}",
            {"database": self.database, "name": claim_view(dataset)},
        )
        row = self.dataset(dataset)
        if row is None:
            row = DatasetRow(dataset, str(claims[0][0]) if claims else workflow, layout, None, 0)
            if row.workflow != workflow:
                return row
            row = self.record(row)
        self.engine.command(f"DROP VIEW IF EXISTS {claim}")
        return row

    def dataset(self, dataset: str) -> DatasetRow | None:
        """The record of a dataset; None without one."""
        rows = self.engine.rows(
            f"SELECT dataset, workflow, layout, sealed_before, version "
            f"FROM {qualified(self.database, DATASETS)} FINAL WHERE dataset = {{name:String}}",
            {"name": dataset},
        )
        return DatasetRow(*rows[0]) if rows else None  # type: ignore[arg-type]  # as stored

    def record(self, row: DatasetRow) -> DatasetRow:
        """Writes the record of a dataset with the next version: the highest version stays."""
        recorded = replace(row, version=row.version + 1)
        self.insert_dicts(DATASETS, [asdict(recorded)])
        return recorded

    def forget(self, dataset: str) -> None:
        """Removes the record of a dataset that was dropped."""
        self.engine.command(
            f"ALTER TABLE {qualified(self.database, DATASETS)} "
            f"DELETE WHERE dataset = {{name:String}} SETTINGS mutations_sync = 1",
            {"name": dataset},
        )

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns and the engine's types; empty where it does not exist."""
        return columns(self.engine, self.database, table)

    def pages_of(self, dataset: str) -> list[str]:
        """The datasets that hold a dataset's pages as received."""
        rows = self.engine.rows(
            f"SELECT dataset FROM {qualified(self.database, DATASETS)} FINAL "
            f"WHERE layout = {{layout:String}} ORDER BY dataset",
            {"layout": pages_layout(dataset)},
        )
        return [str(row[0]) for row in rows]

    def tables_of(self, dataset: str) -> list[str]:
        """The tables that a dataset fills: events, rejects, and pages as received."""
        pages = [data_table(name) for name in self.pages_of(dataset)]
        return [data_table(dataset), rejected_table(dataset), *pages]

    def size_of(self, tables: list[str]) -> int:
        """The compressed bytes of tables."""
        return size(self.engine, self.database, tables)

    def bytes_on_disk(self, dataset: str) -> int:
        """The compressed bytes of all tables that a dataset fills."""
        return self.size_of(self.tables_of(dataset))

    def insert_dicts(self, table: str, rows: list[dict[str, object]]) -> None:
        """Inserts a few rows into one of our own tables, as one block."""
        self.engine.insert(self.database, table, table_of(rows))

    def view(self, dataset: str) -> str:
        """The qualified name of the view that users read."""
        return qualified(self.database, sql_name(dataset))
