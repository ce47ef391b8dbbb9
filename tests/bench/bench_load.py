"""Prints how fast a million sales events go from spool to table, beside the engine alone.

The engine alone is one INSERT ... SELECT with JSONExtract over the same records, unvalidated.
"""

import json
import random
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chartly.errors import Reason
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import resolve
from chartly.plan.snapshot import freeze, thaw
from chartly_loader.request import LoadRequest
from chartly_loader.run import load
from chartly_spool.segment import Counters, End, SegmentMeta, digest
from chartly_spool.writer import SpoolWriter
from chartly_store.embedded import open_embedded
from support.profiles import HOME, playbook_profiles, workflow

EVENTS = 1_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record(number, chance):
    return {
        "id": f"sale_{number}",
        "timestamp": f"2026-02-{1 + number * 28 // EVENTS:02d}T12:00:{number % 60:02d}Z",
        "totals": {
            "amount": f"{number % 500}.{number % 100:02d}",
            "currency": chance.choice(["USD", "EUR", "GBP", "JPY"]),
        },
        "customer": {"id": f"cust_{number % 20_000}"},
    }


def fill(spool, size, lines):
    chance = random.Random(1)
    with SpoolWriter(spool, limit=1 << 40) as writer, lines.open("w") as out:
        for number in range(EVENTS // size):
            records = [record(number * size + i, chance) for i in range(size)]
            out.writelines(json.dumps(one) + "\n" for one in records)
            body = json.dumps({"data": records, "next_cursor": None}).encode()
            meta = SegmentMeta(
                number, "main", len(body), digest(body), "bench:", 200, size, None, str(number)
            )
            writer.write(meta, body)
        pages = EVENTS // size
        writer.end(End(pages, Reason.SUCCEEDED, "", Counters(pages=pages)))


def ours(folder, spool):
    frozen = freeze(resolve(workflow(), Catalog([(HOME, p) for p in playbook_profiles()]), HOME))
    request = LoadRequest(
        plan=thaw(frozen.content, frozen.digest, HOME),
        workflow="sales-onboard",
        workflow_version="1.0.0",
        run_id="bench",
        attempt=1,
        ingested_at=NOW,
        run_digest="sha256:bench",
        spool=spool,
        checkpoint=folder / "audit.head",
    )
    engine = open_embedded(folder / "store")
    started = time.perf_counter()
    result = load(request, engine, lambda _: None, lambda: NOW)
    passed = time.perf_counter() - started
    assert result.reason is Reason.SUCCEEDED, result.message
    assert result.counts["loaded"] == EVENTS
    engine.close()
    return result.seconds["load"], passed


def engine_alone(folder, lines):
    engine = open_embedded(folder / "alone")
    engine.command("CREATE DATABASE alone")
    engine.command(
        "CREATE TABLE alone.events (event_id String, occurred_at DateTime64(3, 'UTC'), "
        "amount Decimal(38, 9), currency String, customer_id String, _ver UInt64) "
        "ENGINE = ReplacingMergeTree(_ver) PARTITION BY toYYYYMMDD(occurred_at) "
        "ORDER BY (occurred_at, event_id)"
    )
    started = time.perf_counter()
    engine.command(
        "INSERT INTO alone.events SELECT JSONExtractString(line, 'id'), "
        "parseDateTime64BestEffort(JSONExtractString(line, 'timestamp'), 3, 'UTC'), "
        "toDecimal128(JSONExtractString(line, 'totals', 'amount'), 9), "
        "JSONExtractString(line, 'totals', 'currency'), "
        "JSONExtractString(line, 'customer', 'id'), 1 "
        f"FROM file('{lines}', LineAsString, 'line String')"
    )
    passed = time.perf_counter() - started
    engine.close()
    return passed


def main():
    folder = Path(tempfile.mkdtemp(prefix="chartly-bench-"))
    try:
        for size in (1_000, 10_000):
            spool = folder / f"spool-{size}"
            spool.mkdir()
            lines = folder / "events.ndjson"
            fill(spool, size, lines)
            loading, whole = ours(folder / str(size), spool)
            rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"pages of {size:>6,}: {EVENTS / loading:>9,.0f} events/s spool to table, "
                f"{EVENTS / whole:>9,.0f} with rollup and evidence, peak RSS {rss:,} MiB"
            )
        alone = engine_alone(folder, lines)
        print(f"engine alone:     {EVENTS / alone:>9,.0f} events/s")
        print(f"ratio to the engine alone: {alone / loading:.2f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
