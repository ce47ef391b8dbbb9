"""Observations of a stream's pages that reject no record: duplicate keys, unmatched paths."""

from collections import Counter

import pyarrow as pa

from chartly.extract.duplicates import duplicate_keys
from chartly.extract.pages import Page, PageReader
from chartly.extract.values import Values
from chartly.warning import RunWarning, WarningReason

_NAME = 64
"""Characters of a key that a warning names."""


class ObservedReader:
    """Reads pages and collects what the run warns of."""

    def __init__(self, reader: PageReader) -> None:
        self._reader = reader
        self._unmatched = dict(reader.paths)
        self._duplicates: Counter[str] = Counter()
        self._pages = 0
        self._objects = 0

    def read(self, body: bytes) -> Page:
        """The page with this body, as ``PageReader.read`` returns it."""
        page = self._reader.read(body)
        if page.is_odd or not self._pages:
            self._duplicates += duplicate_keys(body)
        if self._unmatched:
            self._match(page)
        self._pages += 1
        self._objects += len(page.places)
        return page

    @property
    def duplicate_keys(self) -> list[RunWarning]:
        """The warnings about keys that were duplicate in an object."""
        return [_duplicate_warning(key, count) for key, count in self._duplicates.items()]

    @property
    def unmatched(self) -> dict[str, RunWarning]:
        """The fields whose path has matched nothing so far; none before the first record."""
        paths = self._unmatched if self._objects else {}
        return {name: self._never_matched(name, path.text) for name, path in paths.items()}

    def _match(self, page: Page) -> None:
        """Removes the paths that match; only the first page distinguishes null from absent."""
        for name in list(self._unmatched):
            if _has_value(page.columns[name]):
                del self._unmatched[name]
        if self._unmatched and page.places and not self._objects:
            records = page.records()
            objects = [records[place] for place in page.places]
            for name, path in list(self._unmatched.items()):
                if any(map(path.matches, objects)):
                    del self._unmatched[name]

    def _never_matched(self, name: str, path: str) -> RunWarning:
        return RunWarning(
            WarningReason.MAPPING_NEVER_MATCHED,
            f"mapping.{name}",
            f"path {path!r} matched nothing in the records that were read ({self._objects:,})",
            self._objects,
        )


def _has_value(column: Values) -> bool:
    if isinstance(column, pa.Array):
        return bool(column.null_count < len(column))
    return any(value is not None for value in column)


def _duplicate_warning(key: str, count: int) -> RunWarning:
    name = key.encode("utf-8", "replace").decode()[:_NAME]
    return RunWarning(
        WarningReason.DUPLICATE_KEYS,
        name,
        f"the key {name!r} occurs twice in an object; its last value was read",
        count,
    )
