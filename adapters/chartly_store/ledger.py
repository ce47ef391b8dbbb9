"""The ledger: the pages whose rows are durable."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property

from chartly.load.project_tables import LEDGER
from chartly.load.sql import qualified
from chartly.slices import PullState, Slice, SliceState, slice_named
from chartly_store.project_store import ProjectStore

COUNTS = ("read", "loaded", "rejected", "duplicate", "filtered", "late")
_NAMES = ("pages", "bytes", *COUNTS)
_SUMS = ", ".join(("count()", *(f"sum({name})" for name in ("bytes", *COUNTS))))


@dataclass(frozen=True)
class CommittedPage:
    """One page in the ledger; read = loaded + rejected + duplicate + filtered + late (INV-4).

    Attributes:
        slice: the key of its slice within the stream; empty for the only one.
        segment: number of the page in the run, over all slices.
        page: number of the page in its slice.
        index: of the Pod that read it, where a run has several.
    """

    dataset: str
    run_id: str
    stream: str
    segment: int
    attempt: int
    ordinal: int
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


class Ledger:
    """The ledger of a project."""

    def __init__(self, store: ProjectStore) -> None:
        self._engine = store.engine
        self._store = store

    @cached_property
    def _of_run(self) -> str:
        is_first = "slice" not in self._store.columns(LEDGER)
        return f"({pages_of_run(self._store.database, is_first=is_first)})"

    def commit(self, pages: list[CommittedPage]) -> None:
        """Commits pages atomically: one insert of one block into one partition."""
        self._store.insert_dicts(LEDGER, [asdict(page) for page in pages])

    def resume(self, run_id: str, slices: Iterable[Slice]) -> PullState:
        """Where a run continues: each slice after its last page without a gap before it."""
        rows = self._engine.rows(
            f"SELECT stream, slice, page, segment, position, token_hash FROM {self._of_run} "
            "ORDER BY stream, slice, page",
            {"run": run_id},
        )
        pages: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        last = -1
        for stream, key, page, segment, position, token_hash in rows:
            last = max(last, int(str(segment)))
            without_gap = pages[str(stream), str(key)]
            if page == len(without_gap):
                without_gap.append((str(position), str(token_hash)))
        return PullState(
            {slice_: _state_after(pages.get((slice_.stream, slice_.key), [])) for slice_ in slices},
            last + 1,
        )

    def pages(self, run_id: str) -> list[tuple[object, ...]]:
        """The pages that a run read, by dataset, slice and number, each with its digest."""
        return self._engine.rows(
            f"SELECT dataset, stream, slice, page, page_sha256 FROM {self._of_run} "
            "ORDER BY dataset, stream, slice, page",
            {"run": run_id},
        )

    def totals(self, run_id: str) -> dict[str, int]:
        """A run's counts over all its committed pages."""
        (row,) = self._engine.rows(f"SELECT {_SUMS} FROM {self._of_run}", {"run": run_id})
        return _counts(row)

    def slice_totals(self, run_id: str) -> dict[Slice, dict[str, int]]:
        """A run's counts for each slice with a committed page."""
        rows = self._engine.rows(
            f"SELECT stream, slice, {_SUMS} FROM {self._of_run} GROUP BY stream, slice "
            "ORDER BY stream, slice",
            {"run": run_id},
        )
        return {slice_named(str(stream), str(key)): _counts(sums) for stream, key, *sums in rows}


def summed(totals: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of the counts of several slices."""
    sums = dict.fromkeys(_NAMES, 0)
    for counts in totals:
        for name in _NAMES:
            sums[name] += counts[name]
    return sums


def pages_of_run(database: str, *, is_first: bool = False) -> str:
    """A query for the committed pages of the run ``{run:String}``, each of them once.

    A process that was considered dead may still commit a page that a later attempt commits under
    another number of the run; the page's number in its slice identifies the two.

    Args:
        is_first: whether the ledger has format 1, as a store that is only read may have.
    """
    missing = ", '' AS slice, segment AS page" if is_first else ""
    return (
        f"SELECT *{missing} FROM {qualified(database, LEDGER)} FINAL WHERE run_id = {{run:String}} "
        "ORDER BY ordinal DESC, segment DESC LIMIT 1 BY dataset, stream, slice, page"
    )


def _state_after(pages: list[tuple[str, str]]) -> SliceState:
    """Where a slice continues after its pages, given by position and token hash."""
    if not pages:
        return SliceState()
    position = json.loads(pages[-1][0])
    return SliceState(len(pages), position, tuple(token for _, token in pages), position is None)


def _counts(row: Sequence[object]) -> dict[str, int]:
    return dict(zip(_NAMES, (int(str(count)) for count in row), strict=True))
