"""Where faults are put, and what comes of them; docs/dev/faults.md says the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One kind of statement that a run sends to its store.

    Attributes:
        match: a regular expression that it holds.
        skip: how many of the kind go well before.
    """

    name: str
    match: str
    skip: int = 0


STATEMENTS = (
    Statement("make the database", "^CREATE DATABASE"),
    Statement("make a table", "^CREATE TABLE IF NOT EXISTS .*sales_events__data"),
    Statement("claim a dataset", "^CREATE VIEW IF NOT EXISTS .*sales_events__claim"),
    Statement("make a view", "^CREATE OR REPLACE VIEW .*`sales_events`"),
    Statement("begin an attempt", "^INSERT INTO .*__attempts"),
    Statement("read the ledger", "^SELECT stream, slice, page, segment, position"),
    Statement("insert events", "^INSERT INTO .*sales_events__data", 1),
    Statement("insert rejects", "^INSERT INTO .*sales_events__rejected"),
    Statement("insert pages", "^INSERT INTO .*sales_events_raw__data", 1),
    Statement("insert into the ledger", "^INSERT INTO .*__ledger", 1),
    Statement("insert an output", "^INSERT INTO .*sales_rollup_daily__data"),
    Statement("publish", "^INSERT INTO .*__published"),
    Statement("sweep", "^ALTER TABLE .*sales_rollup_daily__data.* DELETE"),
    Statement("insert audit events", "^INSERT INTO .*__audit"),
    Statement("end an attempt", "^INSERT INTO .*__attempts", 1),
)

STORE_FAULTS = {
    "refuse": "sent again",
    "drop-before": "sent again",
    "drop-after": "sent again",
    "truncate": "sent again",
    "unavailable": "sent again",
    "full": "StoreUnavailable",
    "swallow": "StoreUnavailable",
    "hold": "StoreUnavailable",
    "die-before": "sent again",
    "die-within": "sent again",
    "die-after": "sent again",
}
"""What happens to one statement, and what the attempt makes of it; the next one is exact."""

OF_INSERTS = frozenset({"swallow"})


@dataclass(frozen=True)
class Pause:
    """Where a loader is stopped, replaced by its next attempt, and woken up.

    Attributes:
        moment: at which call of which kind, and on which side of it.
        outcome: how the woken attempt ends.
    """

    name: str
    moment: tuple[str, int, str]
    outcome: str = "Terminated"


# All that the run has to do is done then, twice over, and the later attempt's part is what shows.
_DONE = "Succeeded"
PAUSES = (
    Pause("before it has its place", ("insert __attempts", 1, "before")),
    Pause("with its place", ("insert __attempts", 1, "after")),
    Pause("before the first events", ("insert sales_events__data", 1, "before")),
    Pause("with events and no ledger", ("insert sales_events__data", 2, "after")),
    Pause("before the ledger", ("insert __ledger", 2, "before")),
    Pause("with the ledger", ("insert __ledger", 2, "after")),
    Pause("before an output", ("insert sales_rollup_daily__data", 1, "before"), _DONE),
    Pause("with an unpublished output", ("insert sales_rollup_daily__data", 1, "after"), _DONE),
    Pause("before the publication", ("insert __published", 1, "before"), _DONE),
    Pause("with the publication", ("insert __published", 1, "after"), _DONE),
    Pause("before its record", ("insert __attempts", 2, "before"), _DONE),
)

SCHEMA_KILLS = (
    ("before a column is widened", "^ALTER TABLE .* MODIFY COLUMN", "before"),
    ("after a column is widened", "^ALTER TABLE .* MODIFY COLUMN", "after"),
    ("before a column is added", "^ALTER TABLE .* ADD COLUMN", "before"),
    ("after a column is added", "^ALTER TABLE .* ADD COLUMN", "after"),
    ("before the view follows", "^CREATE OR REPLACE VIEW .*sales_events`", "before"),
    ("after the view has followed", "^CREATE OR REPLACE VIEW .*sales_events`", "after"),
)
"""Where a loader dies while tables follow a changed profile; the next attempt goes on."""

REBUILD_KILLS = (
    ("before the table beside is made", "^CREATE TABLE .*__rebuild", 1, "before"),
    ("after the table beside is made", "^CREATE TABLE .*__rebuild", 1, "after"),
    ("with one partition copied", "^INSERT INTO .*__rebuild", 1, "after"),
    ("before the exchange", "^EXCHANGE TABLES .*sales_events__data`", 1, "before"),
    ("after the exchange", "^EXCHANGE TABLES .*sales_events__data`", 1, "after"),
)
"""Where a loader dies while a table is laid out anew; the next attempt goes on."""

FULL_DISK = (
    Pause("before it has its place", ("insert __attempts", 1, "before"), "StoreUnavailable"),
    Pause("before events", ("insert sales_events__data", 2, "before"), "StoreUnavailable"),
    Pause("before the ledger", ("insert __ledger", 2, "before"), "StoreUnavailable"),
    Pause("before the publication", ("insert __published", 1, "before"), "StoreUnavailable"),
)
"""When there is no room any more under the embedded store; the next attempt has it again."""
