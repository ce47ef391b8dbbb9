"""Commits the rows of segments: one thread parses, one shapes, and the main thread writes."""

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from chartly.api.event_schema import EventSchema
from chartly.errors import ChartlyError, Reason, RunError
from chartly.extract.observed import ObservedReader
from chartly.extract.pages import Page
from chartly_loader.load_batch import LARGEST_ROWS, LoadBatch, cut, joined, settled
from chartly_loader.load_request import OnProgress, Progress
from chartly_loader.read_ahead import reading_ahead
from chartly_loader.shaping import Shaping
from chartly_spool.segment import End, Segment
from chartly_spool.spool_reader import SpoolReader
from chartly_store.event_table import EventTable
from chartly_store.ledger import Ledger

BATCH_ROWS = 100_000
BATCH_BYTES = 16 * 1024 * 1024
BATCH_SECONDS = 0.5
"""How long a page waits for others: a batch of a slow source is small, and soon there."""
_SEGMENTS = 512
_WAIT_SECONDS = 1.0
_TURN_SECONDS = 0.0002


@dataclass(frozen=True)
class Lane:
    """The reader, shaping and table of one stream."""

    pages: ObservedReader
    shaping: Shaping
    schema: EventSchema
    table: EventTable


@dataclass
class _ParsedPages:
    """Pages that were parsed together, by their stream.

    Attributes:
        more: whether further pages were ready already.
    """

    parsed: dict[str, list[tuple[Segment, Page]]]
    more: bool


class PageIntake:
    """Loads the pages of one attempt, those of each stream into its dataset.

    Args:
        check_turn: raises where the attempt may not write any more.
    """

    def __init__(
        self, lanes: Mapping[str, Lane], ledger: Ledger, check_turn: Callable[[], None]
    ) -> None:
        self._lanes = lanes
        self._ledger = ledger
        self._check_turn = check_turn
        self._came: Counter[tuple[str, str]] = Counter()
        self.progress = Progress()

    def run(self, reader: SpoolReader, on_progress: OnProgress) -> None:
        """Commits every segment until the connector has ended.

        Raises:
            RunError: the connector is lost, a page is unusable, or the store refuses; earlier
                pages are committed.
        """
        with (
            _interpreter_for_loading(),
            reading_ahead(self._parsed_pages(reader), "parse") as parsed_pages,
            reading_ahead(self._batches(parsed_pages), "shape") as batches,
        ):
            for item in batches:
                if item is not None:
                    stream, batch = item
                    self._commit(self._lanes[stream].table, batch, reader)
                    self._advance(batch)
                on_progress(self.progress)
        self._check_whole(reader.end)

    def _parsed_pages(self, reader: SpoolReader) -> Iterator[_ParsedPages]:
        """Parses pages and yields some at a time; none where none arrived for a while."""
        gathered = _Gathered()
        ended = False
        try:
            while not ended:
                # Read before the segments: those that arrive in between are read next time.
                over = reader.end is not None
                segments = reader.next_segments(_SEGMENTS, BATCH_BYTES, gathered.patience)
                for segment in segments:
                    lane = self._lanes[segment.meta.slice.stream]
                    gathered.add(segment, lane.pages.read(segment.body))
                    if gathered.full:
                        yield gathered.take(more=True)
                ended = over and not segments
                if not segments or not gathered.patience:
                    yield gathered.take(more=False)
        except ChartlyError:
            yield gathered.take(more=False)
            raise

    def _batches(
        self, parsed_pages: Iterable[_ParsedPages]
    ) -> Iterator[tuple[str, LoadBatch] | None]:
        """Shapes pages, and cuts batches where a partition ends while more pages are ready."""
        held: dict[str, LoadBatch] = {}
        for pages in parsed_pages:
            for stream, parsed in pages.parsed.items():
                shaped = self._lanes[stream].shaping.shape(parsed)
                held[stream] = joined([held[stream], shaped] if stream in held else [shaped])
            ready = [*self._ready(held, pages)]
            for stream, batch in ready:
                yield stream, settled(batch, self._lanes[stream].schema)
            if not ready:
                yield None

    def _ready(
        self, held: dict[str, LoadBatch], pages: _ParsedPages
    ) -> Iterator[tuple[str, LoadBatch]]:
        """Removes the batches to commit now; the others are limited over all streams."""
        if not pages.more:
            yield from held.items()
            held.clear()
            return
        for stream in pages.parsed:
            batch, rest = cut(held.pop(stream), self._lanes[stream].schema)
            if batch is not None:
                yield stream, batch
            if rest is not None:
                held[stream] = rest
        while sum(batch.rows.num_rows for batch in held.values()) > LARGEST_ROWS:
            largest = max(held, key=lambda stream: held[stream].rows.num_rows)
            yield largest, held.pop(largest)

    def _commit(self, table: EventTable, batch: LoadBatch, reader: SpoolReader) -> None:
        """Writes rows, then the ledger, then the spool: a kill in between loses nothing."""
        self._check_turn()
        table.check_quota()
        table.insert(batch.rows)
        table.insert_rejects(batch.rejects)
        table.insert_raw(batch.raw)
        # Again: while this attempt was suspended, another may have exchanged the table.
        self._check_turn()
        self._ledger.commit(batch.ledger)
        reader.done(page.segment for page in batch.ledger)

    def _advance(self, batch: LoadBatch) -> None:
        done = self.progress
        self._came.update((page.stream, page.slice) for page in batch.ledger)
        self.progress = Progress(
            pages=done.pages + len(batch.ledger),
            read=done.read + sum(page.read for page in batch.ledger),
            loaded=done.loaded + sum(page.loaded for page in batch.ledger),
            rejected=done.rejected + sum(page.rejected for page in batch.ledger),
        )

    def _check_whole(self, end: End | None) -> None:
        """Raises unless the end's numbers of pages match those that arrived, by run and slice."""
        written = end.pages if end is not None else 0
        if written != self.progress.pages:
            raise RunError(
                Reason.PEER_LOST,
                f"the connector wrote {written} pages and {self.progress.pages} came",
            )
        for ended in end.slices if end is not None else ():
            came = self._came[ended.slice.stream, ended.slice.key]
            if ended.pages != came:
                raise RunError(
                    Reason.PEER_LOST,
                    f"the connector wrote {ended.pages} pages of slice {str(ended.slice)!r} and "
                    f"{came} came",
                )


class _Gathered:
    """Collects pages until there are enough of them, or the first has waited long enough."""

    def __init__(self) -> None:
        self._parsed: dict[str, list[tuple[Segment, Page]]] = {}
        self._rows = self._bytes = 0
        self._until = 0.0

    def add(self, segment: Segment, page: Page) -> None:
        if not self._parsed:
            self._until = time.monotonic() + BATCH_SECONDS
        self._parsed.setdefault(segment.meta.slice.stream, []).append((segment, page))
        self._rows += page.count
        self._bytes += segment.meta.size

    @property
    def full(self) -> bool:
        return self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    @property
    def patience(self) -> float:
        """Seconds to wait for the next page."""
        return max(0.0, self._until - time.monotonic()) if self._parsed else _WAIT_SECONDS

    def take(self, *, more: bool) -> _ParsedPages:
        taken = _ParsedPages(self._parsed, more)
        self._parsed, self._rows, self._bytes = {}, 0, 0
        return taken


@contextmanager
def _interpreter_for_loading() -> Iterator[None]:
    """Turns cyclic garbage collection off, since the many records hold no cycles.

    The switch interval is shortened: the thread that writes has little to do between the engine's
    responses, and would wait 5 ms each time while another one parses or shapes.
    """
    collects, turn = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(turn)
        if collects:
            gc.enable()
