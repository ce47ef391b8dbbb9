"""Pages as columns: the number of their records, and the values of each mapped field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.extract.accessors import Accessors
from chartly.extract.jsonpath import Path, compile_path
from chartly.extract.lenient import Flaw, flaws_of, read_document
from chartly.extract.mapping import check_mapping
from chartly.extract.records import BYTE_ORDER_MARK, select_records
from chartly.extract.routes import Column
from chartly.extract.structs import Structs, compile_structs
from chartly.extract.values import Values, packed


@dataclass(frozen=True)
class Page:
    """A parsed page.

    Attributes:
        count: its records, whether they are objects or not.
        places: the positions in the page of the objects that may become events.
        columns: the values of each mapped field in the objects; absent and null are None.
        records: decodes all records of the page, for those that are rejected.
        flaws: the records that are no JSON, by their position.
        is_odd: whether it could not be decoded into Structs although its paths allow that.
    """

    count: int
    places: Sequence[int]
    columns: dict[str, Values]
    records: Callable[[], list[object]]
    flaws: Mapping[int, Flaw] = field(default_factory=dict)
    is_odd: bool = False


class PageReader:
    """Reads pages into the columns that a normalizer maps.

    Args:
        structs: decodes regular pages, if the paths allow that; others are decoded whole.
    """

    def __init__(
        self,
        records: Records,
        pagination_mode: str,
        paths: Mapping[str, Path],
        structs: Structs | None,
    ) -> None:
        self._select = partial(select_records, records=records, pagination_mode=pagination_mode)
        self.paths = paths
        self._accessors = Accessors([*paths.values()])
        self._structs = structs

    def read(self, body: bytes) -> Page:
        """The page with this body.

        Raises:
            RunError: ``UpstreamUnavailable``: where its records begin and end is uncertain, or it
                is nested too deep.
            SpecError: which part of the page the records are is ambiguous.
        """
        body = body.removeprefix(BYTE_ORDER_MARK)
        columns = None if self._structs is None else self._structs.columns(body)
        if columns is not None:
            count = len(columns[0])
            named = dict(zip(self.paths, columns, strict=True))
            return Page(count, range(count), named, partial(self._records, body))
        return self._whole(body)

    def _whole(self, body: bytes) -> Page:
        document = read_document(body)
        records = self._select(document.content)
        flaws = {} if document.sound else flaws_of(records)
        places: Sequence[int] = range(len(records))
        objects: Column = [record for record in records if type(record) is dict]
        if flaws or len(objects) < len(records):
            places = [
                place
                for place, record in enumerate(records)
                if type(record) is dict and place not in flaws
            ]
            objects = [records[place] for place in places]
        columns = [packed(column) for column in self._accessors.columns(objects)]
        return Page(
            len(records),
            places,
            dict(zip(self.paths, columns, strict=True)),
            partial(self._records, body),
            flaws,
            is_odd=self._structs is not None or not document.sound,
        )

    def _records(self, body: bytes) -> list[object]:
        return self._select(read_document(body).content)


def compile_reader(
    records: Records, pagination_mode: str, normalizer: NormalizerSpec, storage: StorageSpec
) -> PageReader:
    """The reader of a connector's pages for one normalizer profile.

    Raises:
        SpecError: a path is malformed, or the profiles do not fit each other.
    """
    check_mapping(normalizer, storage)
    paths = {name: compile_path(path) for name, path in normalizer.mapping.items()}
    structs = compile_structs(records, [*paths.values()])
    return PageReader(records, pagination_mode, paths, structs)
