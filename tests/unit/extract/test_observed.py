"""What a run is warned of after its pages were read."""

import pytest

from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.extract.duplicates import LARGEST, duplicate_keys
from chartly.extract.observed import ObservedReader
from chartly.extract.pages import compile_reader
from chartly.warning import WarningReason

MAPPING = {"event_id": "$.id", "amount": "$.totals.ammount"}


def _told(bodies, mapping=None):
    spec = {"canonicalEventType": "a.b", "mapping": mapping or MAPPING}
    normalizer = NormalizerSpec.model_validate(spec)
    reader = ObservedReader(
        compile_reader(Records(), "cursor", normalizer, StorageSpec(dataset="d"))
    )
    for body in bodies:
        reader.read(body)
    return [(one.reason.value, one.object, one.count) for one in _warnings(reader)]


def _warnings(reader):
    return [*reader.unmatched.values(), *reader.duplicate_keys]


NEVER = WarningReason.MAPPING_NEVER_MATCHED.value
TWICE = WarningReason.DUPLICATE_KEYS.value


@pytest.mark.parametrize(
    ("bodies", "mapping", "told", "because"),
    [
        ([b'[{"id": "a", "totals": {"amount": 1}}, {"id": "b"}]'], None, [(NEVER, "mapping.amount", 2)], "a name that is mistyped"),
        ([b'[{"id": "a"}]', b'[{"id": "b"}]'], None, [(NEVER, "mapping.amount", 2)], "in no page"),
        ([b'[{"id": "a"}]', b'[{"id": "b", "totals": {"ammount": 1}}]'], None, [], "in one of them"),
        ([b'[{"id": "a", "totals": {"ammount": null}}]'], None, [], "null is there"),
        ([b'[{"id": "a"}, {"id": "b", "totals": {"ammount": null}}]'], None, [], "null is there, in one record"),
        ([b"[]"], None, [], "nothing was read"),
        ([b"[5]"], None, [], "nothing was read that has members"),
        ([b"[]", b'[{"id": "b"}]'], None, [(NEVER, "mapping.amount", 1)], "after an empty page"),
        ([b'[{"id": "a", "x": NaN}, {"id": "a"}]'], None, [(NEVER, "mapping.amount", 1)], "of the records that could be read"),
        ([b'[{"id": "a", "l": []}]'], {"event_id": "$.id", "all": "$.l[*].n", "first": "$.l[0]"}, [(NEVER, "mapping.all", 1), (NEVER, "mapping.first", 1)], "nothing is selected"),
        ([b'[{"id": "a", "l": [{"n": null}]}]'], {"event_id": "$.id", "all": "$.l[*].n", "last": "$.l[-1].n"}, [], "null is selected"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_told(bodies, mapping, told, because):
    assert _told(bodies, mapping) == told, because


FULL = b'{"id": "b", "totals": {"ammount": 1}}'


@pytest.mark.parametrize(
    ("bodies", "told", "because"),
    [
        ([b'[{"id": "a", "id": "b", "totals": {"ammount": 1}}]'], [(TWICE, "id", 1)], "in a record"),
        ([b'{"data": [%b], "x": {"y": 1, "y": 2}}' % FULL], [(TWICE, "y", 1)], "around the records"),
        ([b'[{"a": 1, "a": 2, "totals": {"a": 1, "a": 1, "a": 1, "ammount": 1}}, %b]' % FULL], [(TWICE, "a", 2)], "objects are counted"),
        ([b'[{"\\u0061": 1, "a": 2}, %b]' % FULL], [(TWICE, "a", 1)], "spelled in two ways"),
        ([b'[{"a": "a", "b": "a"}, {"a": {"a": {"a": 1}}}, %b]' % FULL], [], "each object has it once"),
        ([b"[%b]" % FULL, b'[{"a": 1, "a": 2}]'], [], "only the first page is searched"),
        ([b"[%b]" % FULL, b'[5, {"a": 1, "a": 2}]'], [(TWICE, "a", 1)], "and those that are odd"),
        ([b"[%b]" % FULL, b'[{"a": 1, "a": NaN}]'], [(TWICE, "a", 1)], "and those with a flaw"),
        ([b'\xef\xbb\xbf[{"a": 1, "a": 2}, %b]' % FULL], [(TWICE, "a", 1)], "behind a mark"),
        ([b'[{"\\ud800": 1, "\\ud800": 2}, %b]' % FULL], [(TWICE, "?", 1)], "a name that is no text"),
    ],
)  # fmt: skip
def test_keys_that_stand_twice_are_told(bodies, told, because):
    assert _told(bodies) == told, because


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1, "a": 2', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_has_no_keys(body):
    assert not duplicate_keys(body)


def test_the_largest_pages_are_not_searched():
    body = b'{"a": 1, "a": 2, "x": "%b"}'
    room = LARGEST - len(body) + 2
    assert duplicate_keys(body % (b"x" * room)) == {"a": 1}
    assert not duplicate_keys(body % (b"x" * (room + 1)))


def test_a_warning_says_what_and_where():
    spec = {"canonicalEventType": "a.b", "mapping": MAPPING}
    normalizer = NormalizerSpec.model_validate(spec)
    reader = ObservedReader(compile_reader(Records(), "none", normalizer, StorageSpec(dataset="d")))
    reader.read(b'[{"id": "a", "id": "b"}]')
    assert [one.message for one in _warnings(reader)] == [
        "path '$.totals.ammount' matched nothing in the records that were read (1)",
        "the key 'id' occurs twice in an object; its last value was read",
    ]
