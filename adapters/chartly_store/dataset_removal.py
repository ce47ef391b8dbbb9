"""Drops stored datasets, in an order that lets the next call complete an interrupted one."""

from chartly.load.dataset_tables import data_table, rejected_table
from chartly.load.project_tables import PUBLISHED
from chartly.load.rebuild import aside_table
from chartly.load.sql import qualified
from chartly.names import sql_name
from chartly_store.project_store import ProjectStore, claim_view


def drop_output(store: ProjectStore, dataset: str) -> bool:
    """Drops an analytics output; returns whether it existed."""
    existed = _exists(store, data_table(dataset))
    _drop(store, dataset, data_table(dataset))
    store.engine.command(
        f"ALTER TABLE {qualified(store.database, PUBLISHED)} "
        f"DELETE WHERE dataset IN ({{name:String}}, {{mark:String}}) SETTINGS mutations_sync = 1",
        {"name": dataset, "mark": f"{dataset}#watermark"},
    )
    store.forget(dataset)
    return existed


def drop_dataset(store: ProjectStore, dataset: str) -> bool:
    """Drops a canonical dataset, its rejects and pages; returns whether it existed."""
    existed = _exists(store, data_table(dataset))
    for pages in store.pages_of(dataset):
        _drop(store, pages, data_table(pages))
        store.forget(pages)
    tables = (aside_table(dataset), data_table(dataset), rejected_table(dataset))
    _drop(store, dataset, *tables)
    store.forget(dataset)
    return existed


def _drop(store: ProjectStore, dataset: str, *tables: str) -> None:
    for view in (sql_name(dataset), claim_view(dataset)):
        store.engine.command(f"DROP VIEW IF EXISTS {qualified(store.database, view)}")
    for table in tables:
        store.engine.command(f"DROP TABLE IF EXISTS {qualified(store.database, table)} SYNC")


def _exists(store: ProjectStore, table: str) -> bool:
    return bool(store.columns(table))
