"""Events of twenty fields, of which ten are transformed."""

import random
from collections.abc import Iterator
from typing import Any

from bench.sales import ORDERED, sales

_KINDS = ("web", "shop", "phone")
_FIELDS = {
    "quantity": "toInt",
    "discount": "toNumber",
    "weight": "toNumber",
    "shipped_at": "toUtcTimestamp",
    "gift": "toBool",
    "channel": "upper",
    "country": "lower",
    "note": "trim",
    "sku": None,
    "title": None,
    "brand": None,
    "colour": None,
    "city": None,
    "postcode": None,
    "seller": None,
}

CHANGES: dict[str, dict[str, Any]] = {
    "normalizer": {
        **{f"spec.mapping.{name}": f"$.details.{name}" for name in _FIELDS},
        "spec.transforms": [
            {"op": "toNumber", "field": "amount"},
            {"op": "toUtcTimestamp", "field": "occurred_at"},
            *({"op": op, "field": name} for name, op in _FIELDS.items() if op),
        ],
    }
}
"""What of the playbook's profiles is other: the five fields of a sale, and fifteen more."""


def wide(events: int) -> Iterator[str]:
    """Sales with their details."""
    chance = random.Random(2)
    for number, one in enumerate(sales(events, ORDERED)):
        yield f'{one[:-1]}, "details": {_details(number, _KINDS[chance.randrange(3)])}}}'


def _details(number: int, kind: str) -> str:
    return (
        f'{{"quantity": {1 + number % 9}, "discount": "{number % 50}.{number % 100:02d}", '
        f'"weight": {number % 900}.5, "shipped_at": "2026-03-{1 + number % 28:02d}T09:30:00Z", '
        f'"gift": {"true" if number % 2 else "false"}, "channel": "{kind}", "country": "DE", '
        f'"note": " leave it at door {number % 40} ", "sku": "sku-{number % 5_000}", '
        f'"title": "Article {number % 5_000}", "brand": "brand {number % 300}", '
        f'"colour": "blue", "city": "City {number % 800}", "postcode": "{number % 90_000:05d}", '
        f'"seller": "seller_{number % 1_000}"}}'
    )
