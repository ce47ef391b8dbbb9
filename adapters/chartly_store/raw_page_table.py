"""Pages as they were received, kept beside a dataset for a while."""

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
    """One page.

    Attributes:
        sha256: of the body, in hex; what ``raw_ref`` names.
        segment: its number in its run.
        slice: the key of the slice that it was pulled for.
        ingested_at: the run's, so that a page which comes again in another attempt is the same row.
    """

    sha256: str
    stream: str
    run_id: str
    segment: int
    ingested_at: datetime
    body: bytes
    slice: str = ""


class RawPages:
    """The pages of one dataset."""

    def __init__(self, store: ProjectStore, storage: StorageSpec) -> None:
        self._store = store
        self._storage = storage

    def insert(self, pages: list[RawPage]) -> None:
        """Keeps pages, if the profile says so; repeating it changes nothing."""
        if pages and self._storage.raw.enabled:
            rows = [{**vars(page), "size": len(page.body)} for page in pages]
            table = data_table(pages_dataset(self._storage))
            self._store.engine.insert(
                self._store.database, table, pa.Table.from_pylist(rows, _SCHEMA)
            )

    def expire(self, now: datetime) -> None:
        """Deletes pages that no run received for ``retentionDays``; also when no more are kept."""
        before = now - timedelta(days=self._storage.raw.retention_days)
        for name in self._store.pages_of(self._storage.dataset):
            table = qualified(self._store.database, data_table(name))
            delete_older(self._store.engine, table, "ingested_at", before)
