"""A table of events that is laid out anew beside the stored one, as SQL text."""

from collections.abc import Mapping
from dataclasses import dataclass

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.casts import Cast
from chartly.load.dataset_tables import create_events, data_table
from chartly.load.evolution import Evolution
from chartly.load.sql import qualified, quoted
from chartly.load.store_format import RENAMED

# A row block may hold as many partitions as it likes: nobody waits for this insert.
_UNLIMITED = "SETTINGS max_partitions_per_insert_block = 0"


def aside_table(dataset: str) -> str:
    """What stands beside a dataset's table while that is rebuilt, and never otherwise."""
    return data_table(dataset) + "__rebuild"


@dataclass(frozen=True)
class Rebuild:
    """One rebuild.

    Attributes:
        stored: the columns of the table as it stands, with the engine's types.
    """

    database: str
    schema: EventSchema
    storage: StorageSpec
    evolution: Evolution
    stored: Mapping[str, str]

    @property
    def table(self) -> str:
        return qualified(self.database, data_table(self.storage.dataset))

    @property
    def aside(self) -> str:
        return qualified(self.database, aside_table(self.storage.dataset))

    def create(self) -> str:
        """Makes the table beside."""
        name = aside_table(self.storage.dataset)
        return create_events(self.database, name, self.evolution.columns, self.schema, self.storage)

    def drop(self) -> str:
        """Drops what stands beside, be it the new table or the one that was replaced."""
        return f"DROP TABLE IF EXISTS {self.aside} SYNC"

    def partitions(self) -> str:
        """The stored partitions, each a piece of work that one statement does."""
        return f"SELECT DISTINCT _partition_id FROM {self.table} ORDER BY _partition_id"

    def copy(self) -> str:
        """Copies what can be read in the partition ``{part:String}``.

        A row that another one has replaced is left behind, as a merge would.
        """
        return f"{self._into} FINAL WHERE _partition_id = {{part:String}} {_UNLIMITED}"

    def copy_tombstones(self) -> str:
        """Copies what hides older rows, should they come again."""
        return f"{self._into} WHERE _deleted = 1 {_UNLIMITED}"

    def misfits(self, made: Cast) -> str:
        """How many readable values there are, how many do not fit, and the key of one of those."""
        return (
            f"SELECT count(), countIf({made.inexact}), minIf(event_key, {made.inexact}) "
            f"FROM {self.table} FINAL"
        )

    def stored_content(self) -> str:
        """Number and fingerprint of the rows that can be read, as they shall be."""
        return f"SELECT {_content(self._values())} FROM {self.table} FINAL"

    def copied_content(self) -> str:
        """The same of the table beside; equal when nothing is lost and nothing was added."""
        return f"SELECT {_content(', '.join(self._names()))} FROM {self.aside} FINAL"

    @property
    def _into(self) -> str:
        names = ", ".join(self._names())
        return f"INSERT INTO {self.aside} ({names}) SELECT {self._values()} FROM {self.table}"

    def _names(self) -> list[str]:
        """The stored columns by their names in the table beside."""
        return [quoted(RENAMED.get(name, name)) for name in self.stored]

    def _values(self) -> str:
        """What each stored column holds in the table beside."""
        values = {cast.column: cast.value for cast in self.evolution.casts}
        values |= {quoted(name): value for name, value in self.evolution.carried.items()}
        return ", ".join(values.get(quoted(name), quoted(name)) for name in self.stored)


def _content(values: str) -> str:
    return f"count(), sum(sipHash64(toString(tuple({values}))))"
