"""Sales events of a fixed seed, as the text of their JSON, one after the other."""

import random
from collections.abc import Iterator
from itertools import islice

_CURRENCIES = ("USD", "EUR", "GBP", "JPY")
_DAYS = 28

ORDERED, SHUFFLED = "time-ordered", "shuffled over 28 days"


def sales(events: int, order: str) -> Iterator[str]:
    """Events in the order of their days, or each on a day of chance."""
    chance = random.Random(1)
    for number in range(events):
        place = chance.randrange(events) if order == SHUFFLED else number
        yield _sale(number, 1 + place * _DAYS // events, _CURRENCIES[chance.getrandbits(2)])


def bodies(events: Iterator[str], size: int) -> Iterator[bytes]:
    """Pages with so many events each, as the playbook's API answers."""
    while page := list(islice(events, size)):
        yield f'{{"data": [{", ".join(page)}], "next_cursor": null}}'.encode()


def _sale(number: int, day: int, currency: str) -> str:
    return (
        f'{{"id": "sale_{number}", "timestamp": "2026-02-{day:02d}T12:00:{number % 60:02d}Z", '
        f'"totals": {{"amount": "{number % 500}.{number % 100:02d}", "currency": "{currency}"}}, '
        f'"customer": {{"id": "cust_{number % 20_000}"}}}}'
    )
