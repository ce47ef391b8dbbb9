"""The digits that each ``toUtcTimestamp`` reads: those of the stored field."""

from collections.abc import Iterable, Mapping, Sequence

from chartly.api.columns import INSTANT_DIGITS, INSTANT_UNITS
from chartly.api.event_schema import Column
from chartly.api.normalizer import Const, Drop, Rename, ToUtcTimestamp, Transform


def instant_digits(transforms: Sequence[Transform], columns: Iterable[Column]) -> list[int]:
    """For each transform the digits behind the second that an instant of its field has.

    Those of ``Timestamp`` where the field is not stored, or not as an instant.
    """
    stored = {column.name: column.type.precision for column in columns if column.type.is_instant}
    return [
        stored.get(_stored_name(transform.field, transforms[position + 1 :]), INSTANT_DIGITS)
        for position, transform in enumerate(transforms)
    ]


def instant_units(transforms: Sequence[Transform], columns: Iterable[Column]) -> Mapping[str, str]:
    """For each field that a ``toUtcTimestamp`` makes an instant the unit that it is read to."""
    pairs = zip(transforms, instant_digits(transforms, columns), strict=True)
    return {
        transform.field: INSTANT_UNITS[digits]
        for transform, digits in pairs
        if isinstance(transform, ToUtcTimestamp)
    }


def _stored_name(field: str, following: Sequence[Transform]) -> str:
    """The column that a field becomes; empty if it is dropped or replaced."""
    for transform in following:
        if isinstance(transform, Rename) and transform.field == field:
            field = transform.to
        elif field in _overwritten(transform):
            return ""
    return field


def _overwritten(transform: Transform) -> tuple[str, ...]:
    """The fields whose values a transform drops or overwrites."""
    if isinstance(transform, Rename):
        return (transform.to,)
    return (transform.field,) if isinstance(transform, Drop | Const) else ()
