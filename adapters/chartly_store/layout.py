"""Brings a dataset's tables to what its profiles say."""

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
from chartly.load.evolution import changes, evolve, insist_on_layout, insist_on_own, layout_of
from chartly.load.rebuild import Rebuild, aside_table
from chartly.load.sql import qualified
from chartly_store.engine_port import Engine
from chartly_store.exchange import exchange
from chartly_store.system_tables import columns, partition_key
from chartly_store.table_rebuild import rebuild


class Layout:
    """The tables of one dataset as its profiles want them."""

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
        """What is recorded of it."""
        return json.dumps(layout_of(self._schema))

    def ensure(self, recorded: str, insist: Callable[[], None]) -> None:
        """Makes the tables, or changes those that are there.

        Args:
            recorded: the layout that they have been given so far.
            insist: raises where the attempt may not write any more.

        Raises:
            RunError: ``SchemaIncompatible``; nothing has changed then.
        """
        dataset, known = self._storage.dataset, json.loads(recorded)
        stored = columns(self._engine, self._database, self._table)
        insist_on_own(dataset, known, stored)
        insist_on_layout(dataset, known, layout_of(self._schema))
        for statement in create_dataset(self._database, self._schema, self._storage):
            self._engine.command(statement)
        self._follow_rejected(insist)
        if stored:
            self._follow(stored, insist)
        for statement in add_indexes(self._database, self._schema, self._storage):
            self._engine.command(statement)
        self._engine.command(dataset_view(self._database, self._schema, dataset))

    def _follow_rejected(self, insist: Callable[[], None]) -> None:
        """Brings rejects of format 1 to this one; cut off anywhere, it is taken up again."""
        table = rejected_table(self._storage.dataset)
        aside = f"{table}__rebuild"
        if "ordinal" not in columns(self._engine, self._database, table):
            self._engine.command(replace_rejected(self._database, aside, table))
            exchange(self._engine, self._database, aside, table, insist)
        self._engine.command(f"DROP TABLE IF EXISTS {qualified(self._database, aside)} SYNC")

    def _follow(self, stored: dict[str, str], insist: Callable[[], None]) -> None:
        dataset = self._storage.dataset
        aside = qualified(self._database, aside_table(dataset))
        # Somebody may have died over it: before the swap it is half a copy, after it the old table.
        self._engine.command(f"DROP TABLE IF EXISTS {aside} SYNC")
        partition = partition_key(self._engine, self._database, self._table)
        evolution = evolve(dataset, self._schema, stored, partition)
        if evolution.rebuilt:
            plan = Rebuild(self._database, self._schema, self._storage, evolution, stored)
            rebuild(self._engine, plan, insist)
            return
        for statement in changes(self._database, dataset, evolution, stored):
            self._engine.command(statement)
