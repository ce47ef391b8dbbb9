"""The dataset of pages as received: its table and view as SQL text."""

import json
from collections.abc import Sequence

from chartly.api.storage import StorageSpec
from chartly.load.dataset_tables import INSTANT, TEXT, create_table, data_table
from chartly.load.sql import qualified
from chartly.load.store_format import extended
from chartly.names import sql_name

_COLUMNS = {
    "sha256": "String",
    "stream": TEXT,
    "run_id": TEXT,
    "segment": "UInt32",
    "ingested_at": INSTANT,
    "size": "UInt64",
    "body": "String CODEC(ZSTD(3))",
    "slice": TEXT,
}
_ORDER = "sha256, slice"
# A page is identified by its content: received again, it is kept longer and stored once a week.
_ENGINE = f"ReplacingMergeTree(ingested_at) PARTITION BY toMonday(ingested_at) ORDER BY ({_ORDER})"


def pages_dataset(storage: StorageSpec) -> str:
    """The name of the dataset that contains the pages of another one."""
    return storage.raw.dataset or f"{storage.dataset}-raw"


def pages_layout(dataset: str) -> str:
    """The recorded layout of a dataset that contains the pages of another one."""
    return json.dumps({"pagesOf": dataset})


def create_pages(database: str, pages: str, stored: Sequence[str] = ()) -> list[str]:
    """The statements that create its table and view.

    Args:
        stored: the columns that the table has.
    """
    table = data_table(pages)
    view = (
        f"CREATE OR REPLACE VIEW {qualified(database, sql_name(pages))} AS "
        f"SELECT {', '.join(_COLUMNS)} FROM {qualified(database, table)} FINAL"
    )
    return [
        create_table(database, table, _COLUMNS, _ENGINE),
        *extended(database, table, stored, _COLUMNS, _ORDER),
        view,
    ]
