"""Pages as columns: how many records one has, and the value of each mapped field in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.extract.accessors import Accessors
from chartly.extract.jsonpath import compile_path
from chartly.extract.mapping import check_mapping
from chartly.extract.records import decode_page, select_records
from chartly.extract.routes import Column
from chartly.extract.structs import Structs, compile_structs
from chartly.extract.values import Values, packed


@dataclass(frozen=True)
class Page:
    """A page that was read.

    Attributes:
        count: its records, whether they are objects or not.
        places: where in the page the objects stand.
        columns: for each mapped field its value in each object; absent and null are None.
        records: decodes the page's records whole, for those that are rejected.
    """

    count: int
    places: Sequence[int]
    columns: dict[str, Values]
    records: Callable[[], list[object]]


class PageReader:
    """Reads pages into the columns that a normalizer maps.

    Args:
        structs: the quick way, if the paths have one; pages that it leaves go the other way.
    """

    def __init__(
        self,
        records: Records,
        pagination_mode: str,
        fields: Sequence[str],
        accessors: Accessors,
        structs: Structs | None,
    ) -> None:
        self._select = partial(select_records, records=records, pagination_mode=pagination_mode)
        self._fields = tuple(fields)
        self._accessors = accessors
        self._structs = structs

    def read(self, body: bytes) -> Page:
        """The page with this body.

        Raises:
            RunError: ``UpstreamUnavailable``: it is not JSON (RFC 8259), or nested too deep.
            SpecError: it cannot be told which part of the page the records are.
        """
        columns = None if self._structs is None else self._structs.columns(body)
        if columns is not None:
            count = len(columns[0])
            return self._page(body, count, range(count), columns)
        records = self._records(body)
        places: Sequence[int] = range(len(records))
        objects: Column = [record for record in records if type(record) is dict]
        if len(objects) < len(records):
            places = [place for place in places if type(records[place]) is dict]
        columns = [packed(column) for column in self._accessors.columns(objects)]
        return self._page(body, len(records), places, columns)

    def _page(self, body: bytes, count: int, places: Sequence[int], columns: list[Values]) -> Page:
        named = dict(zip(self._fields, columns, strict=True))
        return Page(count, places, named, partial(self._records, body))

    def _records(self, body: bytes) -> list[object]:
        return self._select(decode_page(body))


def compile_reader(
    records: Records, pagination_mode: str, normalizer: NormalizerSpec, storage: StorageSpec
) -> PageReader:
    """The reader of a connector's pages for one normalizer profile.

    Raises:
        SpecError: a path is malformed, or the profiles do not fit each other.
    """
    check_mapping(normalizer, storage)
    paths = [compile_path(path) for path in normalizer.mapping.values()]
    return PageReader(
        records,
        pagination_mode,
        tuple(normalizer.mapping),
        Accessors(paths),
        compile_structs(records, paths),
    )
