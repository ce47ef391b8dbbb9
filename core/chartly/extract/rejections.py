"""The rejections of a page's records, with their messages."""

from collections.abc import Mapping

from chartly.extract.canonical import canonical_json
from chartly.extract.jsonpath import Path
from chartly.extract.lenient import Flaw
from chartly.extract.pages import Page
from chartly.extract.reject import RECORD_LIMIT, BadValueError, Rejection, RejectReason

Mistake = tuple[str, BadValueError]
"""The field at fault, and what is wrong with its value."""

_CLIP = 80
_NO_OBJECT = BadValueError(RejectReason.RECORD_NOT_OBJECT, "a record must be a JSON object")


def rejections_of(
    number: int, page: Page, bad: Mapping[int, Mistake], paths: Mapping[str, Path]
) -> list[Rejection]:
    """The rejections of a page, in the order of its records.

    Args:
        number: the position of the page among those that were shaped together.
        bad: the mistakes by the record's position in the page, without records that are no
            object or no JSON.
    """
    if not bad and len(page.places) == page.count:
        return []
    strays = sorted({*range(page.count)} - {*page.places})
    records = page.records()
    mistakes = {**dict.fromkeys(strays, ("", _NO_OBJECT)), **bad}
    return [
        _rejection(number, index, records[index], mistakes[index], paths)
        if index not in page.flaws
        else _flawed(number, index, records[index], page.flaws[index])
        for index in sorted(mistakes)
    ]


def _flawed(number: int, index: int, record: object, flaw: Flaw) -> Rejection:
    """The rejection of a record with a flaw; what is no Unicode is escaped as in JSON."""
    text = canonical_json(record).decode("utf-8", "surrogatepass")
    escaped = text.encode("utf-8", "backslashreplace")[:RECORD_LIMIT]
    message = f"{flaw.path} {flaw.message}"
    return Rejection(number, index, flaw.reason, "", flaw.path, message, escaped)


def _rejection(
    number: int, index: int, record: object, mistake: Mistake, paths: Mapping[str, Path]
) -> Rejection:
    name, error = mistake
    path = paths.get(name)
    return Rejection(
        page=number,
        index=index,
        reason=error.reason,
        field=name,
        path="$" if not name else "" if path is None else path.text,
        message=_message(name, path, record, error),
        record=canonical_json(record)[:RECORD_LIMIT],
    )


def _message(name: str, path: Path | None, record: object, error: BadValueError) -> str:
    if not name:
        return error.message
    if path is None or error.reason is RejectReason.REQUIRED_FIELD_MISSING:
        return f"{name}: {error.message}"
    value = canonical_json(path.get(record)).decode("utf-8", "replace")
    clipped = value if len(value) <= _CLIP else f"{value[:_CLIP]}..."
    return f"{name}: {clipped} {error.message}"
