from decimal import Decimal

import pyarrow as pa
import pytest

from chartly.api.normalizer import NormalizerSpec
from chartly.extract.batch import RecordBatch
from chartly.extract.steps import compile_steps


def _after(transforms, values):
    """What a column has become, and the rows that were refused."""
    spec = {
        "canonicalEventType": "a.b",
        "mapping": {"a": "$.a"},
        "transforms": tuple({**one, "field": "a"} for one in transforms),
    }
    batch = RecordBatch(len(values), {"a": values})
    for step in compile_steps(NormalizerSpec.model_validate(spec).transforms, ()):
        step(batch)
    return batch.columns["a"], sorted(batch.bad)


@pytest.mark.parametrize(
    ("transforms", "last"),
    [
        ([{"op": "toNumber", "onError": "default", "default": "0.5"}], [Decimal("0.5"), None]),
        ([{"op": "toNumber", "onError": "null"}, {"op": "default", "value": 7}], [7, 7]),
        ([{"op": "toDecimal", "precision": 9, "scale": 2, "onError": "default", "default": 1}], [1, None]),
    ],
)  # fmt: skip
def test_a_default_leaves_a_column_of_decimals_one(transforms, last):
    """One odd value must not send all the others down the slow way."""
    column, refused = _after(transforms, ["19.99", "odd", None, 3])
    assert isinstance(column, pa.Array)
    assert column.to_pylist() == [Decimal("19.99"), *last, 3]
    assert not refused


@pytest.mark.parametrize(
    ("transforms", "values", "because"),
    [
        ([{"op": "toNumber", "onError": "default", "default": "x"}], [Decimal("1.5"), "x", None], "text that is no number is judged where it is stored"),
        ([{"op": "toNumber", "onError": "default", "default": 1}, {"op": "toBool", "onError": "null"}], [None, True, None], "1 is a boolean, a decimal is none"),
        ([{"op": "toNumber", "onError": "null"}, {"op": "default", "value": 1}, {"op": "toBool", "onError": "null"}], [None, True, True], "the same of a default"),
        ([{"op": "toInt", "onError": "default", "default": "5"}], ["5", "5", None], "text is no whole number, whatever it says"),
        ([{"op": "default", "value": True}], ["1.5", "odd", True], "only nulls are filled"),
    ],
)  # fmt: skip
def test_a_default_stays_what_it_is_where_that_makes_a_difference(transforms, values, because):
    """INV-5."""
    column, _ = _after(transforms, ["1.5", "odd", None])
    found = column.to_pylist() if isinstance(column, pa.Array) else column
    assert found == values, because
    assert list(map(type, found)) == list(map(type, values)), because
