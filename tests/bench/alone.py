"""The same events by the engine alone: one INSERT ... SELECT with JSONExtract, unvalidated."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from chartly_store.embedded import open_embedded

_TABLE = (
    "CREATE TABLE alone.events (event_id String, occurred_at DateTime64(6, 'UTC'), "
    "amount Decimal(38, 9), currency String, customer_id String, _ver UInt64) "
    "ENGINE = ReplacingMergeTree(_ver) PARTITION BY toYYYYMMDD(occurred_at) "
    "ORDER BY (occurred_at, event_id)"
)
_INSERT = (
    "INSERT INTO alone.events SELECT JSONExtractString(line, 'id'), "
    "parseDateTime64BestEffort(JSONExtractString(line, 'timestamp'), 6, 'UTC'), "
    "toDecimal128(JSONExtractString(line, 'totals', 'amount'), 9), "
    "JSONExtractString(line, 'totals', 'currency'), "
    "JSONExtractString(line, 'customer', 'id'), 1 "
    "FROM file('{lines}', LineAsString, 'line String')"
)


def insert_lines(place: str, lines: str, events: int) -> dict[str, Any]:
    """The seconds of the one statement, and the engine's version."""
    with closing(open_embedded(Path(place) / "alone")) as engine:
        engine.command("CREATE DATABASE alone")
        engine.command(_TABLE)
        started = time.perf_counter()
        engine.command(_INSERT.format(lines=lines))
        passed = time.perf_counter() - started
        found = engine.rows("SELECT count(), version() FROM alone.events")[0]
    if found[0] != events:
        raise AssertionError(f"the engine alone has {found[0]} of {events} events")
    return {"load": passed, "engine": found[1]}
