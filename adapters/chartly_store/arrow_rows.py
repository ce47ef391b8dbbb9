"""Arrow tables from a few rows of Python values.

The arrays are built from buffers: for Python's own values pyarrow first imports pandas where that
is installed, as it is beside the embedded engine. The import takes 0.15 s, for which the connector
would wait.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

INSTANT = pa.timestamp("ms", tz="UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def table_of(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """The rows, with the columns of the first one.

    A column holds texts, unsigned integers, or instants and None; its first value decides.
    """
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pa.Table.from_arrays(list(map(_array, columns.values())), names=list(columns))


def _array(values: list[Any]) -> pa.Array:
    if isinstance(values[0], str):
        return _texts([text.encode() for text in values])
    if isinstance(values[0], int):
        return _numbers(pa.uint64(), None, np.array(values, np.uint64))
    valid = np.packbits([instant is not None for instant in values], bitorder="little")
    ticks = [((instant or _EPOCH) - _EPOCH) // _MILLISECOND for instant in values]
    return _numbers(INSTANT, pa.py_buffer(valid), np.array(ticks, np.int64))


def _texts(values: list[bytes]) -> pa.Array:
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    return pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values))
    )


def _numbers(kind: pa.DataType, valid: pa.Buffer | None, values: Any) -> pa.Array:  # noqa: ANN401
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])
