"""How fine each ``toUtcTimestamp`` reads: as its field is stored."""

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
        stored.get(_stored_name(one.field, transforms[place + 1 :]), INSTANT_DIGITS)
        for place, one in enumerate(transforms)
    ]


def instant_units(transforms: Sequence[Transform], columns: Iterable[Column]) -> Mapping[str, str]:
    """For each field that a ``toUtcTimestamp`` makes an instant the unit that it is read to."""
    pairs = zip(transforms, instant_digits(transforms, columns), strict=True)
    return {
        one.field: INSTANT_UNITS[digits] for one, digits in pairs if isinstance(one, ToUtcTimestamp)
    }


def _stored_name(field: str, following: Sequence[Transform]) -> str:
    """The column that a field becomes; empty where it is dropped or replaced."""
    for transform in following:
        if isinstance(transform, Rename) and transform.field == field:
            field = transform.to
        elif field in _replaced(transform):
            return ""
    return field


def _replaced(transform: Transform) -> tuple[str, ...]:
    """The fields whose values are gone after a transform."""
    if isinstance(transform, Rename):
        return (transform.to,)
    return (transform.field,) if isinstance(transform, Drop | Const) else ()
