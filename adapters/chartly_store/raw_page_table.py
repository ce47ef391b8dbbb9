"""The table of a dataset's pages as received, kept for some days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from chartly.api.storage import StorageSpec
from chartly.load.dataset_tables import data_table
from chartly.load.page_dataset import pages_dataset
from chartly.load.sql import qualified
from chartly_store.expiry import delete_older
from chartly_store.project_store import ProjectStore

_SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("stream", pa.string()),
        ("run_id", pa.string()),
        ("segment", pa.uint32()),
        ("ingested_at", pa.timestamp("ms", tz="UTC")),
        ("size", pa.uint64()),
        ("body", pa.binary()),
        ("slice", pa.string()),
    ]
)


@dataclass(frozen=True)
class RawPage:
    """One page as received.

    Attributes:
        sha256: of the body, in hex; part of ``raw_ref``.
        segment: number of the page in its run.
        slice: the key of the page's slice.
        ingested_at: of the run, so that a page of another attempt is the same row.
    """

    sha256: str
    stream: str
    run_id: str
    segment: int
    ingested_at: datetime
    body: bytes
    slice: str = ""


class RawPageTable:
    """The pages of one dataset as received."""

    def __init__(self, store: ProjectStore, storage: StorageSpec) -> None:
        self._store = store
        self._storage = storage

    def insert(self, pages: list[RawPage]) -> None:
        """Inserts pages, where the profile keeps them; inserting them again changes nothing."""
        if pages and self._storage.raw.enabled:
            rows = [{**vars(page), "size": len(page.body)} for page in pages]
            table = data_table(pages_dataset(self._storage))
            self._store.engine.insert(
                self._store.database, table, pa.Table.from_pylist(rows, _SCHEMA)
            )

    def expire(self, now: datetime) -> None:
        """Deletes pages that no run received for ``retentionDays``, even if none are kept now."""
        before = now - timedelta(days=self._storage.raw.retention_days)
        for name in self._store.pages_of(self._storage.dataset):
            table = qualified(self._store.database, data_table(name))
            delete_older(self._store.engine, table, "ingested_at", before)
