"""What of a mapping can be refused before any record is there."""

import json

import pytest

from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.errors import SpecError
from chartly.extract.mapping import check_mapping


def _check(path, transforms=(), columns=None, identity=("id",), name="tags"):
    normalizer = {
        "canonicalEventType": "a.b",
        "mapping": {"id": "$.id", name: path},
        "transforms": list(transforms),
        "identity": list(identity),
    }
    storage = {"dataset": "d", "columns": columns or {}}
    return check_mapping(
        NormalizerSpec.model_validate_json(json.dumps(normalizer)),
        StorageSpec.model_validate_json(json.dumps(storage)),
    )


SEVERAL = ["$..id", "$.items[*].id", "$.items[0:1].id", "$.items[?@.a==1].id", "$.items[0,1].id", "$['a','b']", "$.*"]  # fmt: skip
ONE = ["$.id", "$.items[0].id", "$.items[-1].id", "$['items'][-1]['id']"]


@pytest.mark.parametrize("op", ["toNumber", "toDecimal", "toInt", "toBool", "toUtcTimestamp", "lower", "upper", "trim"])  # fmt: skip
@pytest.mark.parametrize("path", SEVERAL)
def test_a_path_to_several_values_is_refused_where_one_is_needed(path, op):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        _check(path, [{"op": op, "field": "tags", "onError": "null"}])
    assert caught.value.message == (
        f"normalizer: spec.mapping.tags: {json.dumps(path)} can match several values and gives a list, but "
        f"transforms[0].op {op!r} takes one; name each member and index on the way to the one "
        "value, such as $.items[0].id"
    )


@pytest.mark.parametrize(
    ("settings", "said", "because"),
    [
        ({"columns": {"tags": "Int64"}}, "columns.tags is Int64", "a number holds no list"),
        ({"columns": {"tags": "LowCardinality(String)"}}, "columns.tags is LowCardinality(String)", "nor does this text"),
        ({"identity": ["tags"]}, "'tags' identifies the event", "a list names no event"),
        ({"identity": [], "name": "event_id"}, "'event_id' identifies the event", "nor by default"),
        ({"transforms": [{"op": "rename", "field": "tags", "to": "last"}, {"op": "toInt", "field": "last"}]}, "transforms[1].op 'toInt' takes one", "by another name"),
        ({"transforms": [{"op": "rename", "field": "tags", "to": "last"}], "columns": {"last": "Date"}}, "columns.last is Date", "by another name"),
        ({"transforms": [{"op": "mapValues", "field": "tags", "values": {"a": "b"}}]}, "transforms[0].op 'mapValues' takes one", "a list is no key"),
    ],
)  # fmt: skip
def test_so_it_is_whatever_asks_for_one(settings, said, because):
    with pytest.raises(SpecError, match="gives a list, but") as caught:
        _check("$..id", **settings)
    assert said in caught.value.message, because


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"identity": []},
        {"columns": {"tags": "String"}},
        {"transforms": [{"op": "toString", "field": "tags"}, {"op": "lower", "field": "tags"}]},
        {"transforms": [{"op": "hash", "field": "tags"}], "identity": ["tags"]},
        {"transforms": [{"op": "default", "field": "tags", "value": "none"}]},
        {"transforms": [{"op": "drop", "field": "tags"}]},
        {"transforms": [{"op": "toInt", "field": "id"}, {"op": "toString", "field": "tags"}]},
        {"transforms": [{"op": "toInt", "field": "id"}]},
        {"transforms": [{"op": "const", "field": "tags", "value": 5}], "columns": {"tags": "Int64"}},
    ],
)  # fmt: skip
def test_a_list_is_taken_where_text_holds_it(settings):
    for path in SEVERAL:
        _check(path, **settings)


@pytest.mark.parametrize("path", ONE)
def test_a_path_to_one_value_is_taken_anywhere(path):
    _check(path, [{"op": "toInt", "field": "tags"}], {"tags": "Int64"}, ["tags"])
