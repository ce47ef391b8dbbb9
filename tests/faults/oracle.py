"""What must be stored, known from the pages alone, and its comparison with what is stored."""

import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from chartly.evidence.hash_chain import verify
from chartly.load.project_tables import LEDGER
from chartly.load.sql import qualified
from chartly.plan.runplan import RunPlan
from chartly_spool.segment import digest
from chartly_store.attempts import Attempts
from chartly_store.audit_chains import AttemptChains
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore
from faults.tally import Tally
from support.loading import page, sale

DAYS = 5
_BASE = 100_000_000_000_000
"""No amount fits a float; a sum that was made of floats would show."""


class ExactnessError(AssertionError):
    """The tables are not what the pages say."""


@dataclass(frozen=True)
class Sale:
    """A record of a page; without an amount it is rejected.

    Attributes:
        salt: no two pages are equal, so that no two rejects have one raw_ref.
        channel: a field that only a later version of the profiles maps.
    """

    key: str
    day: int
    cents: int | None
    salt: float
    channel: str = "web"

    @property
    def amount(self) -> Decimal:
        return Decimal(self.cents or 0) / 100 + _BASE

    @property
    def body(self) -> bytes:
        text = "null" if self.cents is None else str(self.amount)
        body = sale(self.key, text, f"2026-02-0{self.day}T10:00:00Z")
        return body[:-1] + f', "salt": {self.salt}, "channel": "{self.channel}"}}'.encode()


Page = list[Sale]


def some_pages(moves: random.Random, pages: int, keys: int = 150, most: int = 5) -> list[Page]:
    """Pages over several days: keys come again, move to other days, and lack amounts."""
    return [
        [
            Sale(
                f"k{moves.randrange(keys)}",
                moves.randrange(1, DAYS),
                moves.choice([None, *range(1, 8)]),
                moves.random(),
            )
            for _ in range(moves.randrange(most))
        ]
        for _ in range(pages)
    ]


def bodies_of(pages: list[Page]) -> list[bytes]:
    """The pages as the API sends them, each with the cursor of the next."""
    cursors = [f'"c{number}"' for number in range(1, len(pages))] + ["null"]
    return [
        page([one.body for one in of_page])[:-1] + f', "next_cursor": {cursor}}}'.encode()
        for of_page, cursor in zip(pages, cursors, strict=True)
    ]


@dataclass
class Oracle:
    """What the runs over one dataset must leave, one after the other.

    Attributes:
        events: for each key its day and amount, as the last page said.
        received: the digests of all pages.
    """

    plan: RunPlan
    tally: Tally
    checkpoint: Path | None = None
    events: dict[str, Sale] = field(default_factory=dict)
    rejects: int = 0
    received: set[str] = field(default_factory=set)

    def expect(self, pages: list[Page]) -> None:
        """Adds a run that will succeed."""
        for one in (one for of_page in pages for one in of_page):
            if one.cents is None:
                self.rejects += 1
            else:
                self.events[one.key] = one

    def check(
        self,
        engine: Engine,
        run_id: str,
        pages: list[Page],
        said: dict[str, int],
        bodies: list[bytes] | None = None,
    ) -> None:
        """INV-4 and INV-9 of the last run, and set equality of everything.

        Args:
            said: the counts that the run gave back.
            bodies: what the API sent, where that is not ``bodies_of``.

        Raises:
            ExactnessError: what differs, and how.
        """
        self.tally.checks += 1
        store = ProjectStore(engine, self.plan.project)
        wanted = _counts(pages)
        _same("counts", {name: said.get(name) for name in wanted}, wanted)
        bodies = bodies or bodies_of(pages)
        self.received |= set(map(digest, bodies))
        self.check_tables(store)
        _check_ledger(store, run_id, [len(one) for one in pages], bodies)
        self._check_evidence(store, run_id)

    def check_tables(self, store: ProjectStore) -> None:
        """What users read: events, rejects, pages as received, the roll-up."""
        view = store.view("sales-events")
        found = store.engine.rows(f"SELECT event_id, toDayOfMonth(occurred_at), amount FROM {view}")
        rows = {str(key): (day, amount) for key, day, amount in found}
        self.tally.lost += len(lost := sorted(set(self.events) - set(rows)))
        times = Counter(row[0] for row in found)
        self.tally.doubled += len(doubled := [key for key, n in times.items() if n > 1])
        _same("lost", lost, [])
        _same("doubled", doubled, [])
        _same("rows", rows, {key: (one.day, one.amount) for key, one in self.events.items()})
        rejects = qualified(store.database, "sales_events__rejected")
        count = store.engine.rows(f"SELECT count() FROM {rejects} FINAL")
        _same("rejects", count, [(self.rejects,)])
        kept = store.engine.rows(
            f"SELECT sha256, count(), countIf(lower(hex(SHA256(body))) = sha256) "
            f"FROM {store.view('sales-events-raw')} GROUP BY sha256"
        )
        _same("pages", {row[0]: row[1:] for row in kept}, dict.fromkeys(self.received, (1, 1)))
        days = store.engine.rows(
            f"SELECT toDayOfMonth(day), orders, total_amount "
            f"FROM {store.view('sales-rollup-daily')}"
        )
        _same("rollup", sorted(map(tuple, days)), self._rollup())

    def _rollup(self) -> list[tuple[int, int, Decimal]]:
        orders = Counter(one.day for one in self.events.values())
        return [
            (day, n, sum((one.amount for one in self.events.values() if one.day == day), Decimal()))
            for day, n in sorted(orders.items())
        ]

    def _check_evidence(self, store: ProjectStore, run_id: str) -> None:
        last = max(Attempts(store).of_run(run_id), key=lambda one: one.attempt)
        _same("attempt", (last.state, last.reason), ("finished", "Succeeded"))
        verdict = verify(AttemptChains(store).of_attempt(run_id, last.attempt))
        _same("audit", (verdict.fault, f"{verdict.count}:{verdict.head}"), (None, last.audit_head))
        if self.checkpoint is not None:
            verdicts = AuditLog(store, Checkpoint(self.checkpoint)).verify()
            _same("audit", [one for one in verdicts if one.verdict.fault is not None], [])


def _counts(pages: list[Page]) -> dict[str, int]:
    flat = [one for of_page in pages for one in of_page]
    good = [one for one in flat if one.cents is not None]
    keys = len({one.key for one in good})
    return {
        "pages": len(pages),
        "read": len(flat),
        "loaded": keys,
        "rejected": len(flat) - len(good),
        "duplicate": len(good) - keys,
        "filtered": 0,
        "late": 0,
    }


def _check_ledger(store: ProjectStore, run_id: str, sizes: list[int], bodies: list[bytes]) -> None:
    found = store.engine.rows(
        f"SELECT segment, page_sha256, read, loaded + rejected + duplicate + filtered + late "
        f"FROM {qualified(store.database, LEDGER)} FINAL WHERE run_id = {{run:String}} "
        f"ORDER BY segment",
        {"run": run_id},
    )
    wanted = [
        (number, digest(body), size, size)
        for number, (size, body) in enumerate(zip(sizes, bodies, strict=True))
    ]
    _same("ledger", list(map(tuple, found)), wanted)


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ExactnessError(f"{what}: found {found!r}, wanted {wanted!r}")
