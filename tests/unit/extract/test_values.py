"""Columns whose odd rows were worked out one by one."""

import pyarrow as pa
import pytest

from chartly.extract.values import Vector, completed, listed


@pytest.mark.parametrize(
    ("odd", "results", "values", "because"),
    [
        ([], [], [1, 2, 3], "nothing was odd"),
        ([1], [7], [1, 7, 3], "a result of the column's type"),
        ([1], [None], [1, None, 3], "null is of every type"),
        ([0, 2], ["a", 2.5], ["a", 2, 2.5], "results of other types"),
    ],
)
def test_odd_rows_take_their_results(odd, results, values, because):
    found = completed(Vector(pa.array([1, 2, 3]), odd), results)
    assert listed(found) == values, because
