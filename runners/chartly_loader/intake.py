"""From segments to committed rows: one thread parses, one shapes, and this one writes."""

import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chartly.api.event_schema import EventSchema
from chartly.errors import ChartlyError, Reason, RunError
from chartly.extract.observed import ObservedReader
from chartly_loader.ahead import ahead
from chartly_loader.batch import LoadBatch, cut, joined, settled
from chartly_loader.request import OnProgress, Progress
from chartly_loader.shaping import Parsed, Shaping
from chartly_spool.reader import SpoolReader
from chartly_store.events import EventTable
from chartly_store.ledger import Ledger

BATCH_ROWS = 100_000
BATCH_BYTES = 16 * 1024 * 1024
BATCH_SECONDS = 0.5
"""How long a page waits for others: a batch of a slow source is small, and soon there."""
_SEGMENTS = 512
_WAIT_SECONDS = 1.0
_TURN_SECONDS = 0.0002


@dataclass(frozen=True)
class CommitTarget:
    """Where a stream's rows go.

    Attributes:
        insist: raises where the attempt may not write any more.
    """

    table: EventTable
    ledger: Ledger
    insist: Callable[[], None]


@dataclass(frozen=True)
class _Sheaf:
    """Pages that were parsed together.

    Attributes:
        more: whether other pages were there already when these were given on.
    """

    parsed: list[Parsed]
    more: bool


class PageIntake:
    """Loads one stream of one attempt."""

    def __init__(
        self, pages: ObservedReader, shaping: Shaping, schema: EventSchema, target: CommitTarget
    ) -> None:
        self._pages = pages
        self._shaping = shaping
        self._schema = schema
        self._target = target
        self.progress = Progress()

    def run(self, reader: SpoolReader, on_progress: OnProgress) -> None:
        """Commits every segment until the connector has ended.

        Raises:
            RunError: the connector is lost, a page is unusable, or the store refuses; what came
                before is committed.
        """
        with (
            _interpreter_for_loading(),
            ahead(self._sheaves(reader), "parse") as sheaves,
            ahead(self._batches(sheaves), "shape") as batches,
        ):
            for batch in batches:
                if batch is not None:
                    self._commit(batch, reader)
                    self._advance(batch)
                on_progress(self.progress)
        self._check_whole(reader)

    def _sheaves(self, reader: SpoolReader) -> Iterator[_Sheaf]:
        """Parses pages and gives some at a time; none when none came for a while."""
        gathered = _Gathered()
        ended = False
        try:
            while not ended:
                # Asked before the segments: what comes between the two is then seen next time.
                over = reader.end is not None
                segments = reader.next_segments(_SEGMENTS, BATCH_BYTES, gathered.patience)
                for segment in segments:
                    gathered.add(Parsed(segment, self._pages.read(segment.body)))
                    if gathered.full:
                        yield gathered.take(more=True)
                ended = over and not segments
                if not segments or not gathered.patience:
                    yield gathered.take(more=False)
        except ChartlyError:
            yield gathered.take(more=False)
            raise

    def _batches(self, sheaves: Iterable[_Sheaf]) -> Iterator[LoadBatch | None]:
        """Shapes pages, and cuts where a partition ends while more of them come."""
        held: list[LoadBatch] = []
        for sheaf in sheaves:
            shaped = [self._shaping.shape(sheaf.parsed)] if sheaf.parsed else []
            batch: LoadBatch | None = joined([*held, *shaped]) if held or shaped else None
            rest: LoadBatch | None = None
            if batch is not None and sheaf.more:
                batch, rest = cut(batch, self._schema)
            held = [] if rest is None else [rest]
            yield None if batch is None else settled(batch, self._schema)

    def _commit(self, batch: LoadBatch, reader: SpoolReader) -> None:
        """Rows first, then the ledger, then the spool: whatever dies, nothing is lost."""
        self._target.insist()
        table = self._target.table
        table.insist_on_room()
        table.insert(batch.rows)
        table.insert_rejects(batch.rejects)
        table.insert_raw(batch.raw)
        # Again: while this attempt was held up, another may have moved the table aside.
        self._target.insist()
        self._target.ledger.commit(batch.ledger)
        reader.done(page.segment for page in batch.ledger)

    def _advance(self, batch: LoadBatch) -> None:
        done = self.progress
        self.progress = Progress(
            pages=done.pages + len(batch.ledger),
            read=done.read + sum(page.read for page in batch.ledger),
            loaded=done.loaded + sum(page.loaded for page in batch.ledger),
            rejected=done.rejected + sum(page.rejected for page in batch.ledger),
        )

    def _check_whole(self, reader: SpoolReader) -> None:
        """Whether the connector's last word fits the pages that came."""
        said = reader.end.pages if reader.end is not None else 0
        if said != self.progress.pages:
            raise RunError(
                Reason.PEER_LOST,
                f"the connector wrote {said} pages and {self.progress.pages} came",
            )


class _Gathered:
    """Pages until there are enough of them, or the first has waited long enough."""

    def __init__(self) -> None:
        self._parsed: list[Parsed] = []
        self._rows = self._bytes = 0
        self._until = 0.0

    def add(self, parsed: Parsed) -> None:
        if not self._parsed:
            self._until = time.monotonic() + BATCH_SECONDS
        self._parsed.append(parsed)
        self._rows += parsed.page.count
        self._bytes += parsed.segment.meta.size

    @property
    def full(self) -> bool:
        return self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    @property
    def patience(self) -> float:
        """Seconds to wait for the next page."""
        return max(0.0, self._until - time.monotonic()) if self._parsed else _WAIT_SECONDS

    def take(self, *, more: bool) -> _Sheaf:
        taken = _Sheaf(self._parsed, more)
        self._parsed, self._rows, self._bytes = [], 0, 0
        return taken


@contextmanager
def _interpreter_for_loading() -> Iterator[None]:
    """No cyclic collection while pages are in hand: records hold no cycles, and there are many.

    And quick turns: the thread that writes has little to do between the engine's answers, but
    would wait for 5 ms each time while another parses or shapes.
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
