"""Creates a dataset's tables, and alters them as its profiles require."""

import json
from collections.abc import Callable

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.dataset_tables import (
    add_indexes,
    create_dataset,
    data_table,
    dataset_view,
    rejected_table,
    replace_rejected,
)
from chartly.load.evolution import changes, check_event_table, check_layout, evolve, layout_of
from chartly.load.rebuild import Rebuild, aside_table
from chartly.load.sql import qualified
from chartly_store.engine_port import Engine
from chartly_store.exchange import exchange
from chartly_store.system_tables import columns, partition_key
from chartly_store.table_rebuild import rebuild


class Layout:
    """The tables of one dataset as its profiles require them."""

    def __init__(
        self, engine: Engine, database: str, schema: EventSchema, storage: StorageSpec
    ) -> None:
        self._engine = engine
        self._database = database
        self._schema = schema
        self._storage = storage
        self._table = data_table(storage.dataset)

    @property
    def record(self) -> str:
        """The layout as it is recorded."""
        return json.dumps(layout_of(self._schema))

    def ensure(self, recorded: str, check_turn: Callable[[], None]) -> None:
        """Creates the tables, or alters those that exist.

        Args:
            recorded: the current layout of the tables.
            check_turn: raises where the attempt may not write any more.

        Raises:
            RunError: ``SchemaIncompatible``; nothing has changed then.
        """
        dataset, current = self._storage.dataset, json.loads(recorded)
        stored = columns(self._engine, self._database, self._table)
        check_event_table(dataset, current, stored)
        check_layout(dataset, current, layout_of(self._schema))
        for statement in create_dataset(self._database, self._schema, self._storage):
            self._engine.command(statement)
        self._migrate_rejected(check_turn)
        if stored:
            self._alter(stored, check_turn)
        for statement in add_indexes(self._database, self._schema, self._storage):
            self._engine.command(statement)
        self._engine.command(dataset_view(self._database, self._schema, dataset))

    def _migrate_rejected(self, check_turn: Callable[[], None]) -> None:
        """Migrates rejects of format 1; interrupted anywhere, it continues with the next call."""
        table = rejected_table(self._storage.dataset)
        aside = f"{table}__rebuild"
        if "ordinal" not in columns(self._engine, self._database, table):
            self._engine.command(replace_rejected(self._database, aside, table))
            exchange(self._engine, self._database, aside, table, check_turn)
        self._engine.command(f"DROP TABLE IF EXISTS {qualified(self._database, aside)} SYNC")

    def _alter(self, stored: dict[str, str], check_turn: Callable[[], None]) -> None:
        dataset = self._storage.dataset
        aside = qualified(self._database, aside_table(dataset))
        # A killed process leaves it: an incomplete copy before the exchange, the old table after.
        self._engine.command(f"DROP TABLE IF EXISTS {aside} SYNC")
        partition = partition_key(self._engine, self._database, self._table)
        evolution = evolve(dataset, self._schema, stored, partition)
        if evolution.rebuilt:
            plan = Rebuild(self._database, self._schema, self._storage, evolution, stored)
            rebuild(self._engine, plan, check_turn)
            return
        for statement in changes(self._database, dataset, evolution, stored):
            self._engine.command(statement)
