"""Prints how many sales events a second are decoded, selected and shaped on one core."""

import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chartly.extract.records import decode_page, select_records
from chartly.extract.shaper import compile_shaper
from support.profiles import playbook_profiles

EVENTS = 200_000
ROUNDS = 3


def page(size):
    chance = random.Random(1)
    records = [
        {
            "id": f"sale_{i}",
            "timestamp": f"2026-02-{1 + i % 28:02d}T12:00:{i % 60:02d}Z",
            "totals": {"amount": f"{i}.{i % 100:02d}", "currency": chance.choice(["USD", "EUR"])},
            "customer": {"id": f"cust_{i % 20_000}"},
        }
        for i in range(size)
    ]
    return json.dumps({"data": records, "next_cursor": None}).encode()


def main():
    profiles = {profile.id.kind: profile.spec for profile in playbook_profiles()}
    shaper = compile_shaper(profiles["normalizer"], profiles["storage"])
    records = profiles["connector"].records
    for size in (1_000, 10_000):
        body = page(size)
        rates = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for _ in range(EVENTS // size):
                shaper.shape(select_records(decode_page(body), records, "cursor"))
            rates.append(EVENTS / (time.perf_counter() - started))
        print(f"pages of {size:>6,}: {statistics.median(rates):>9,.0f} events/s on one core")


if __name__ == "__main__":
    main()
