"""Rows of Python values as Arrow tables."""

import subprocess
import sys
from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from chartly_store.arrow_rows import INSTANT, table_of

MOMENTS = st.none() | st.datetimes(
    datetime(1900, 1, 1), datetime(2299, 12, 31), timezones=st.just(UTC)
).map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(), "number": st.integers(0, 2**64 - 1), "moment": MOMENTS}
    ),
    min_size=1,
)


@given(ROWS)
def test_rows_come_back_as_they_were(rows):
    table = table_of(rows)
    assert table.to_pylist() == rows
    kinds = {"text": pa.large_string(), "number": pa.uint64(), "moment": INSTANT}
    assert {field.name: field.type for field in table.schema} == kinds


def test_pandas_is_not_imported_for_them():
    """It takes longer than everything else that a run does before its connector may begin."""
    script = (
        "import sys; from datetime import UTC, datetime; from chartly_store.arrow_rows import table_of; "
        "table_of([{'a': 'x', 'b': 1, 'c': datetime.now(UTC), 'd': None}]); "
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
