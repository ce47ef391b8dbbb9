"""Columns whose odd rows were worked out one by one."""

import pyarrow as pa
import pytest

from chartly.extract.moments import NanoInstant
from chartly.extract.values import Vector, completed, instant_type, listed, packed


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


def test_nanoseconds_are_packed_and_listed_as_they_are():
    moments = [NanoInstant(-1), None, NanoInstant(9_214_646_399_999_999_999)]
    array = packed(moments)
    assert array.type == instant_type(9)
    assert listed(array) == moments
    filled = completed(Vector(array, [1]), [NanoInstant(5)])
    assert listed(filled) == [moments[0], NanoInstant(5), moments[2]]
    assert completed(Vector(array, [1]), ["text"]) == [moments[0], "text", moments[2]]
