"""The ledger: the pages whose rows are durable; what is in it happened."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from chartly.load.project_tables import LEDGER
from chartly.load.sql import qualified
from chartly_store.project import ProjectStore

COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")


@dataclass(frozen=True)
class Committed:
    """One page in the ledger; read = loaded + rejected + duplicate + filtered + late (INV-4).

    Attributes:
        slice: the key of its slice within the stream; empty for the only one.
        segment: its number within the run, over all slices.
        page: its number within the slice.
        index: of the Pod that read it, where a run has several.
    """

    dataset: str
    run_id: str
    stream: str
    segment: int
    attempt: int
    ordinal: int
    state_key: str
    page_sha256: str
    bytes: int
    read: int
    loaded: int
    rejected: int
    duplicate: int
    filtered: int
    late: int
    position: str
    token_hash: str
    committed_at: datetime
    page: int
    slice: str = ""
    index: int = 0


@dataclass(frozen=True)
class Resume:
    """Where a run goes on."""

    next_number: int
    position: dict[str, str | int] | None
    seen: tuple[str, ...]
    complete: bool


class Ledger:
    """The ledger of a project."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._table = qualified(store.database, LEDGER)

    def commit(self, pages: list[Committed]) -> None:
        """Enters pages, all at once: one insert of one block into one partition."""
        self._store.insert_dicts(LEDGER, [asdict(page) for page in pages])

    def resume(self, run_id: str, stream: str) -> Resume:
        """Where a run's stream goes on after its last committed page."""
        rows = self._store.engine.rows(
            f"SELECT segment, position, token_hash FROM {self._table} FINAL "
            f"WHERE run_id = {{run:String}} AND stream = {{stream:String}} ORDER BY segment",
            {"run": run_id, "stream": stream},
        )
        if not rows:
            return Resume(0, None, (), complete=False)
        segment, position, _ = rows[-1]
        following = json.loads(str(position))
        return Resume(
            next_number=int(str(segment)) + 1,
            position=following,
            seen=tuple(str(row[2]) for row in rows),
            complete=following is None,
        )

    def pages(self, run_id: str) -> list[tuple[object, ...]]:
        """What a run read: its pages by dataset, stream and number, each with its digest."""
        return self._store.engine.rows(
            f"SELECT dataset, stream, segment, page_sha256 FROM {self._table} FINAL "
            f"WHERE run_id = {{run:String}} ORDER BY dataset, stream, segment",
            {"run": run_id},
        )

    def totals(self, run_id: str) -> dict[str, int]:
        """A run's counts over all its committed pages."""
        sums = ", ".join(f"sum({name})" for name in COUNTS)
        row = self._store.engine.rows(
            f"SELECT count(), sum(bytes), {sums} FROM {self._table} FINAL "
            f"WHERE run_id = {{run:String}}",
            {"run": run_id},
        )[0]
        return dict(zip(("pages", "bytes", *COUNTS), (int(str(one)) for one in row), strict=True))
