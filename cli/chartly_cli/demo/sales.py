"""The sales records of the demo: the same every time, and some as bad as real ones are."""

_RECORDS = 400
_CURRENCIES = ("USD", "EUR", "GBP")


def sales_records() -> list[dict[str, object]]:
    """Four records that must be rejected, one that comes twice, one amount no float can hold."""
    records: list[dict[str, object]] = [_record(number) for number in range(_RECORDS)]
    records[10] = _record(10, amount="100000000000000.01")
    records[20] = _record(20) | {"totals": {"amount": "12.50"}}
    records[30] = _record(30) | {"timestamp": "yesterday"}
    records[40] = _record(40, amount="NaN")
    records[50] = _record(50) | {"timestamp": "2026-02-03T08:00:00"}
    records.append(_record(5))
    return records


def _record(number: int, amount: str | None = None) -> dict[str, object]:
    return {
        "id": f"sale_{number:04d}",
        "timestamp": f"2026-02-{1 + number % 7:02d}T{number % 24:02d}:30:00Z",
        "totals": {
            "amount": amount or f"{(number * 37) % 500}.{number % 100:02d}",
            "currency": _CURRENCIES[number % len(_CURRENCIES)],
        },
        "customer": {"id": f"cust_{number % 90:03d}"},
    }
