"""The rebuild of a table of events beside the stored one, as SQL text."""

from collections.abc import Mapping
from dataclasses import dataclass

from chartly.api.event_schema import EventSchema
from chartly.api.storage import StorageSpec
from chartly.load.casts import Cast
from chartly.load.dataset_tables import create_events, data_table
from chartly.load.evolution import Evolution
from chartly.load.sql import qualified, quoted
from chartly.load.store_format import RENAMED

# A row block may contain any number of partitions: no reader waits for this insert.
_UNLIMITED = "SETTINGS max_partitions_per_insert_block = 0"


def aside_table(dataset: str) -> str:
    """The name of the table beside a dataset's, which exists only during a rebuild."""
    return data_table(dataset) + "__rebuild"


@dataclass(frozen=True)
class Rebuild:
    """One rebuild.

    Attributes:
        stored: the columns of the stored table, with the engine's types.
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
        """Creates the table beside."""
        name = aside_table(self.storage.dataset)
        return create_events(self.database, name, self.evolution.columns, self.schema, self.storage)

    def drop(self) -> str:
        """Drops the table beside, whether it is the new one or the one that was replaced."""
        return f"DROP TABLE IF EXISTS {self.aside} SYNC"

    def partitions(self) -> str:
        """Lists the stored partitions, each of which one statement copies."""
        return f"SELECT DISTINCT _partition_id FROM {self.table} ORDER BY _partition_id"

    def copy(self) -> str:
        """Copies the visible rows of the partition ``{part:String}``.

        A row that another one replaces is not copied, as in a merge.
        """
        return f"{self._into} FINAL WHERE _partition_id = {{part:String}} {_UNLIMITED}"

    def copy_tombstones(self) -> str:
        """Copies the tombstones, which hide older rows that are written again."""
        return f"{self._into} WHERE _deleted = 1 {_UNLIMITED}"

    def misfits(self, cast: Cast) -> str:
        """Counts the visible values and those that do not fit, with the key of one of these."""
        return (
            f"SELECT count(), countIf({cast.inexact}), minIf(event_key, {cast.inexact}) "
            f"FROM {self.table} FINAL"
        )

    def stored_content(self) -> str:
        """Number and fingerprint of the visible rows in their new form."""
        return f"SELECT {_content(self._values())} FROM {self.table} FINAL"

    def copied_content(self) -> str:
        """The same of the table beside; equal if no row was lost or added."""
        return f"SELECT {_content(', '.join(self._names()))} FROM {self.aside} FINAL"

    @property
    def _into(self) -> str:
        names = ", ".join(self._names())
        return f"INSERT INTO {self.aside} ({names}) SELECT {self._values()} FROM {self.table}"

    def _names(self) -> list[str]:
        """The stored columns by their names in the table beside."""
        return [quoted(RENAMED.get(name, name)) for name in self.stored]

    def _values(self) -> str:
        """The value of each stored column in the table beside."""
        values = {cast.column: cast.value for cast in self.evolution.casts}
        values |= {quoted(name): value for name, value in self.evolution.carried.items()}
        return ", ".join(values.get(quoted(name), quoted(name)) for name in self.stored)


def _content(values: str) -> str:
    return f"count(), sum(sipHash64(toString(tuple({values}))))"
