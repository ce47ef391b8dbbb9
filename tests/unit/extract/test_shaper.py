import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartly.api.connector import Records
from chartly.api.profile import parse_profile
from chartly.errors import SpecError
from chartly.extract.batch import RecordBatch
from chartly.extract.canonical import canonical_json, recanonicalised
from chartly.extract.pages import compile_reader
from chartly.extract.records import decode_page
from chartly.extract.shaper import compile_shaper
from support.profiles import PLAYBOOK, changed, playbook_profile

TIME = {"op": "toUtcTimestamp", "field": "occurred_at"}
NO = object()
SECOND = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def _shaper(normalizer=(), storage=()):
    one, two = playbook_profile("normalizer"), playbook_profile("storage")
    for path, value in normalizer:
        one = changed(one, f"spec.{path}", value)
    for path, value in storage:
        two = changed(two, f"spec.{path}", value)
    return _Pages(parse_profile(one).spec, parse_profile(two).spec)


class _Pages:
    """A shaper that is given records, and makes one page of them."""

    def __init__(self, normalizer, storage):
        self._reader = compile_reader(Records(), "none", normalizer, storage)
        self._shaper = compile_shaper(normalizer, storage)

    def shape(self, *pages):
        return self._shaper.shape([self._page(records) for records in pages])

    def shape_body(self, body):
        return self._shaper.shape([self._reader.read(body)])

    def events(self, records):
        return self._shaper.events(self._page(records))

    def _page(self, records):
        return self._reader.read(canonical_json(records))


def _record(number=1, **changes):
    record = {
        "id": f"sale_{number}",
        "timestamp": "2026-02-02T12:00:00Z",
        "totals": {"amount": "19.99", "currency": "USD"},
        "customer": {"id": "cust_123"},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = record
        for parent in parents:
            place = place[parent]
        if value is NO:
            del place[last]
        else:
            place[last] = value
    return record


def test_the_playbook_s_fixture_gives_its_golden():
    sample = decode_page((PLAYBOOK / "fixtures" / "sales.sample.json").read_bytes())
    golden = (PLAYBOOK / "fixtures" / "sales.expected.canonical.json").read_bytes()
    assert _shaper().events([sample]) == [recanonicalised(golden)]


def test_rows_come_in_stored_types():
    rows = _shaper().shape([_record()]).rows.to_pylist()
    assert rows == [
        {
            "amount": Decimal("19.990000000"),
            "currency": "USD",
            "customer_id": "cust_123",
            "event_id": "sale_1",
            "occurred_at": datetime(2026, 2, 2, 12, tzinfo=UTC),
            "event_key": "sale_1",
            "_page": 0,
            "_index": 0,
        }
    ]


COLUMNS = [("columns", {"amount": "Decimal(18,2)"})]


@pytest.mark.parametrize(
    ("changes", "storage", "reason", "message"),
    [
        ({"id": NO}, [], "RequiredFieldMissing", "event_id: is required"),
        ({"id": None}, [], "RequiredFieldMissing", "event_id: is required"),
        ({"totals": NO}, [], "RequiredFieldMissing", "amount: is required"),
        ({"totals__amount": "19.999"}, COLUMNS, "DecimalOutOfRange", 'amount: "19.999" has 3 digits after the point; allowed are 2'),
        ({"totals__amount": "1" * 39}, [], "DecimalOutOfRange", "allowed are 29"),
        ({"totals__amount": "NaN"}, [], "NotANumber", 'amount: "NaN" must be digits'),
        ({"totals__amount": "1e400"}, [], "DecimalOutOfRange", 'amount: "1e400" has 401 digits before the point'),
        ({"timestamp": "2026-02-02T12:00:00"}, [], "TimestampAmbiguous", "has no offset"),
        ({"timestamp": "x" * 200}, [], "NotATimestamp", '"' + "x" * 79 + "..."),
        ({"timestamp": 5}, [], "NotATimestamp", "occurred_at: 5 must be RFC 3339"),
    ],
)  # fmt: skip
def test_a_bad_record_is_rejected_and_the_others_are_not(changes, storage, reason, message):
    """INV-4 and INV-10: one reject per record, with field, value and what is allowed."""
    page = _shaper(storage=storage).shape([_record(1), _record(2, **changes), _record(3)])
    assert [one.index for one in page.rejections] == [1]
    assert page.rejections[0].reason == reason
    assert message in page.rejections[0].message
    assert page.rows.column("_index").to_pylist() == [0, 2]
    assert page.read == (3,)
    assert sum(page.read) == page.rows.num_rows + len(page.rejections) + sum(page.filtered)


def test_a_reject_keeps_its_record_exactly():
    record = decode_page(b'{"id": "a", "n": 100000000000000.01, "timestamp": 1}')
    found = _shaper().shape([record]).rejections[0]
    assert found.record == b'{"id":"a","n":100000000000000.01,"timestamp":1}'
    assert (found.field, found.path) == ("occurred_at", "$.timestamp")


def test_what_is_no_object_is_rejected():
    page = _shaper().shape([5, _record(), [1], None, "x"])
    assert [one.reason.value for one in page.rejections] == ["RecordNotObject"] * 4
    assert [one.index for one in page.rejections] == [0, 2, 3, 4]
    assert page.rows.column("_index").to_pylist() == [1]


def test_an_empty_page_has_no_rows():
    page = _shaper().shape([])
    assert (page.read, page.rows.num_rows, page.rejections) == ((0,), 0, [])


def test_no_pages_have_no_rows_of_the_same_types():
    nothing = _shaper().shape()
    assert (nothing.read, nothing.keys, nothing.rejections) == ((), [], [])
    assert nothing.rows.schema.equals(_shaper().shape([_record()]).rows.schema)


def test_pages_are_shaped_together_and_told_apart():
    """INV-4: each page's records are counted and placed in their own page."""
    batch = _shaper().shape([_record(1), 5], [], [_record(2, id=NO), _record(3)], [_record(4)])
    assert batch.read == (2, 0, 2, 1)
    assert batch.filtered == (0, 0, 0, 0)
    assert (
        batch.keys == batch.rows.column("event_key").to_pylist() == ["sale_1", "sale_3", "sale_4"]
    )
    assert batch.rows.column("_page").to_pylist() == [0, 2, 3]
    assert batch.rows.column("_index").to_pylist() == [0, 1, 0]
    assert [(one.page, one.index, one.reason) for one in batch.rejections] == [
        (0, 1, "RecordNotObject"),
        (2, 0, "RequiredFieldMissing"),
    ]


def test_untyped_fields_keep_their_scalar_in_the_payload_and_text_in_the_table():
    shaper = _shaper()
    records = [_record(1, id=5), _record(2, totals__currency=True, customer__id={"b": 1, "a": 2})]
    rows = shaper.shape(records).rows.to_pylist()
    assert [rows[0]["event_id"], rows[0]["event_key"]] == ["5", "5"]
    assert [rows[1]["currency"], rows[1]["customer_id"]] == ["true", '{"a":2,"b":1}']
    assert b'"event_id":5' in shaper.events(records)[0]


def test_a_page_with_rejects_gives_only_events():
    assert len(_shaper().events([_record(1), _record(2, id=NO), 7])) == 1


def test_on_error_null_and_default():
    transforms = [
        TIME,
        {"op": "toInt", "field": "customer_id", "onError": "null"},
        {"op": "toNumber", "field": "amount", "onError": "default", "default": 0},
        {"op": "const", "field": "source", "value": "api"},
        {"op": "rename", "field": "currency", "to": "money"},
    ]
    shaper = _shaper(
        [("transforms", transforms), ("requiredFields", ["event_id", "occurred_at", "amount"])],
        [("indexing.fields", [])],
    )
    row = shaper.shape([_record(totals__amount="x", customer__id="y")]).rows.to_pylist()[0]
    assert row["amount"] == 0
    assert row["customer_id"] is None
    assert (row["source"], row["money"]) == ("api", "USD")


def test_a_transform_may_follow_one_that_took_the_whole_column():
    transforms = [
        TIME,
        TIME,
        {"op": "toNumber", "field": "amount"},
        {"op": "default", "field": "amount", "value": 0},
    ]
    shaper = _shaper([("transforms", transforms)])
    rows = shaper.shape([_record(1), _record(2, totals__amount=None)]).rows
    assert rows.column("amount").to_pylist() == [Decimal("19.990000000"), 0]


def test_pages_may_send_a_field_in_different_types():
    """INV-5: what a column is in one page says nothing of it in another."""
    pages = [[_record(customer__id=one)] for one in ("a", 5, None, True, "b")]
    stored = ["a", "5", None, "true", "b"]
    assert _shaper().shape(*pages).rows.column("customer_id").to_pylist() == stored
    for part in (slice(0, 2), slice(1, 3)):
        rows = _shaper().shape(*pages[part]).rows
        assert rows.column("customer_id").to_pylist() == stored[part]


@pytest.mark.parametrize(
    ("op", "stored"),
    [
        ({"op": "toString"}, ["1", "true", "1", "1.0", "1.0", None, "1"]),
        ({"op": "mapValues", "values": {"1": "one", "true": "yes", "1.0": "float"}}, ["one", "yes", "one", "float", "float", None, "one"]),
        ({"op": "toBool", "onError": "null"}, [True, True, True, None, None, None, True]),
        ({"op": "toUtcTimestamp", "formats": ["unix"], "onError": "null"}, [SECOND, None, SECOND, SECOND, SECOND, None, SECOND]),
    ],
)  # fmt: skip
def test_values_that_are_equal_but_not_the_same_are_kept_apart(op, stored):
    """INV-5: in Python 1 is true, and 1.0 is the text of itself."""
    shaper = _shaper([("transforms", [TIME, {**op, "field": "customer_id"}])], [("columns", {})])
    values = [b"1", b"true", b'"1"', b"1.0", b'"1.0"', b"null", b"1"]
    records = [
        b'{"id": "a", "timestamp": "2026-02-02T12:00:00Z", "totals": {"amount": "1", "currency": "USD"}, "customer": {"id": %b}}'
        % one
        for one in values
    ]
    rows = shaper.shape_body(b"[%b]" % b",".join(records)).rows
    assert rows.column("customer_id").to_pylist() == stored


def test_drop_removes_a_field():
    shaper = _shaper(
        [("transforms", [TIME, {"op": "drop", "field": "customer_id"}])], [("indexing.fields", [])]
    )
    assert "customer_id" not in shaper.shape([_record()]).rows.column_names


TYPES = {
    "Int64": [(5, 5), (-(2**63), -(2**63)), ("5", None), (2**63, None), (True, None)],
    "UInt64": [(5, 5), (2**64 - 1, 2**64 - 1), (-1, None)],
    "Bool": [(True, True), (1, None), ("true", None)],
    "Date": [
        ("2026-02-02", date(2026, 2, 2)),
        ("2026-02-30", None),
        ("x", None),
        ("1800-01-01", None),
    ],
    "Timestamp": [
        ("2026-02-02T12:00:00+02:00", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ("2026-02-02", None),
    ],
    "String": [("x", "x"), (5, "5")],
    "LowCardinality(String)": [("x", "x"), (5, None)],
    "Decimal(18,2)": [
        ("1.25", Decimal("1.25")),
        (7, Decimal("7.00")),
        ("1.255", None),
        ("7" * 17, None),
    ],
    "Decimal(2,2)": [("0.25", Decimal("0.25")), ("1.25", None)],
    "Decimal(3,0)": [("125", Decimal(125)), ("1.5", None)],
}


@pytest.mark.parametrize(("kind", "values"), TYPES.items())
def test_declared_columns_take_only_their_type(kind, values):
    shaper = _shaper(storage=[("columns", {"customer_id": kind})])
    for value, stored in values:
        page = shaper.shape([_record(customer__id=value)])
        if stored is None:
            assert page.rejections, (kind, value)
        else:
            assert page.rows.column("customer_id").to_pylist() == [stored], (kind, value)
        assert shaper.shape([_record(customer__id=None)]).rows.column(
            "customer_id"
        ).to_pylist() == [None]


@pytest.mark.parametrize(
    ("op", "kind", "value", "stored"),
    [
        ({"op": "toNumber"}, "Decimal(18,2)", "1.25", Decimal("1.25")),
        ({"op": "toNumber"}, "Decimal(18,2)", "1.255", None),
        ({"op": "toNumber"}, "Decimal(38,2)", "1.255", None),
        ({"op": "toNumber"}, "Decimal(38,20)", "1234567890123456789.5", None),
        ({"op": "toNumber"}, "Decimal(38,20)", "123456789012345678.5", Decimal("123456789012345678.5")),
        ({"op": "toInt"}, "Decimal(18,2)", "7", Decimal("7.00")),
        ({"op": "toInt"}, "UInt64", "-7", None),
        ({"op": "toUtcTimestamp"}, "Date", "2026-02-02T00:00:00Z", date(2026, 2, 2)),
        ({"op": "toUtcTimestamp"}, "Date", "2026-02-02T01:00:00Z", None),
        ({"op": "toUtcTimestamp", "formats": ["%Y-%m-%d %z"]}, "Timestamp", "2026-02-02 +0000", datetime(2026, 2, 2, tzinfo=UTC)),
        ({"op": "toDecimal", "precision": 4, "scale": 1}, "Decimal(4,1)", "7.5", Decimal("7.5")),
        ({"op": "mapValues", "values": {"a": 5}}, "Int64", "a", 5),
    ],
)  # fmt: skip
def test_transforms_and_declared_types_together(op, kind, value, stored):
    transforms = [TIME, {**op, "field": "customer_id"}]
    shaper = _shaper(
        [("transforms", transforms)], [("columns", {"customer_id": kind, "amount": "String"})]
    )
    page = shaper.shape([_record(customer__id=value)])
    assert bool(page.rejections) is (stored is None)
    if stored is not None:
        assert page.rows.column("customer_id").to_pylist() == [stored]


def test_identity_of_several_fields_is_their_json():
    shaper = _shaper([("identity", ["event_id", "customer_id", "occurred_at"])])
    key = shaper.shape([_record(customer__id=None)]).rows.column("event_key").to_pylist()
    assert key == ['["sale_1",null,"2026-02-02T12:00:00Z"]']


def test_an_identity_that_is_no_text_becomes_text():
    shaper = _shaper([("identity", ["amount"])])
    assert shaper.shape([_record()]).rows.column("event_key").to_pylist() == ["19.99"]


def test_a_long_identity_becomes_its_hash():
    shaper = _shaper()
    key = shaper.shape([_record(id="x" * 201)]).rows.column("event_key").to_pylist()[0]
    assert key.startswith("sha256:")
    assert shaper.shape([_record(id="x" * 200)]).rows.column("event_key").to_pylist() == ["x" * 200]


def test_an_event_without_identity_is_rejected():
    shaper = _shaper([("identity", ["customer_id"])])
    page = shaper.shape([_record(1), _record(2, customer__id=None)])
    assert page.rejections[0].reason.value == "IdentityMissing"


def test_a_version_field_gives_versions_in_microseconds():
    shaper = _shaper([("versionField", "occurred_at")])
    rows = shaper.shape([_record()]).rows
    assert rows.column("_version").to_pylist() == [1770033600000000]


def test_a_null_version_is_rejected():
    mapping = {**playbook_profile("normalizer").content["spec"]["mapping"], "updated": "$.updated"}
    transforms = [
        TIME,
        {"op": "toNumber", "field": "amount"},
        {"op": "toUtcTimestamp", "field": "updated"},
    ]
    shaper = _shaper(
        [("mapping", mapping), ("transforms", transforms), ("versionField", "updated")]
    )
    page = shaper.shape([_record(updated="2026-02-02T12:00:00Z"), _record(2)])
    assert page.rejections[0].reason.value == "VersionInvalid"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("mapping.amount", "$.a[", 'spec.mapping.amount: "$.a[" is no JSONPath: column'),
        ("transforms.1.zone", "Nowhere", 'spec.transforms[1].zone: "Nowhere"'),
    ],
)
def test_bad_profiles_do_not_compile(path, value, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        _shaper([(path, value)])
    assert says in caught.value.message


AMOUNTS = st.sampled_from(
    ["19.99", "1", "-5.5", "x", None, 7, "1.0000000001", "0" * 30 + "1", "+1"]
)
TIMES = st.sampled_from(
    ["2026-02-02T12:00:00Z", "2026-02-02T12:00:00.25Z", "2026-02-02T12:00:00+05:00", "1800-01-01T00:00:00Z", "2026-02-30T00:00:00Z", None, 5]
)  # fmt: skip


SHAPER = _shaper()


@settings(max_examples=60)
@given(st.lists(st.tuples(AMOUNTS, TIMES), max_size=6))
def test_whole_columns_and_single_values_agree(values):
    """INV-5: what is taken column by column is what the rules for one value say."""
    records = [_record(i, totals__amount=a, timestamp=t) for i, (a, t) in enumerate(values)]
    fast = SHAPER.shape(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordBatch, "converted", _one_by_one)
        slow = SHAPER.shape(records)
    assert fast.rows.equals(slow.rows)
    assert fast.keys == slow.keys
    assert fast.rejections == slow.rejections


CONVERTED = RecordBatch.converted


def _one_by_one(batch, name, values, attempt, convert):
    return CONVERTED(batch, name, values, None, convert)


def test_the_machine_s_zone_does_not_matter(monkeypatch):
    """INV-5."""
    here = _shaper().shape([_record()]).rows
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert _shaper().shape([_record()]).rows.equals(here)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("sent", "reasons", "because"),
    [
        (["1970-01-01T00:00:00Z"], [], "the first instant has version 0"),
        (["1969-12-31T23:59:59.999Z"], ["VersionInvalid"], "it would be the highest of all"),
        ([None, "1969-12-31T23:59:59Z"], ["VersionInvalid"] * 2, "null beside it"),
        (["2026-02-02", "1960-01-01T00:00:00+01:00"], ["NotATimestamp", "VersionInvalid"], "each for its own reason"),
    ],
)  # fmt: skip
def test_a_version_before_1970_is_rejected(sent, reasons, because):
    mapping = {**playbook_profile("normalizer").content["spec"]["mapping"], "updated": "$.updated"}
    transforms = [
        TIME,
        {"op": "toNumber", "field": "amount"},
        {"op": "toUtcTimestamp", "field": "updated"},
    ]
    shaper = _shaper(
        [("mapping", mapping), ("transforms", transforms), ("versionField", "updated")]
    )
    page = shaper.shape([_record(index, updated=one) for index, one in enumerate(sent)])
    assert [one.reason.value for one in page.rejections] == reasons, because


@pytest.mark.parametrize(
    ("spec", "fields", "field", "because"),
    [
        ({}, {"id": ""}, "event_id", "it is required, and identifies the event by default"),
        ({"requiredFields": ["occurred_at"]}, {"id": ""}, "event_id", "it identifies the event by default"),
        ({"identity": ["currency", "event_id"]}, {"totals__currency": ""}, "currency", "it identifies the event"),
        ({"requiredFields": ["event_id", "occurred_at", "customer_id"]}, {"customer__id": ""}, "customer_id", "it is required"),
        ({"requiredFields": ["event_id", "occurred_at", "customer_id"], "transforms": [TIME, {"op": "trim", "field": "customer_id"}]}, {"customer__id": " "}, "customer_id", "it is empty in the end"),
        ({"requiredFields": ["event_id", "occurred_at", "customer_id"], "columns": {"customer_id": "LowCardinality(String)"}}, {"customer__id": ""}, "customer_id", "it is text of another type"),
        ({}, {"customer__id": ""}, None, "nothing asks for it"),
        ({"allowEmpty": ["event_id"]}, {"id": ""}, None, "the profile allows it"),
        ({"identity": ["currency"], "allowEmpty": ["currency"]}, {"totals__currency": ""}, None, "the profile allows it"),
        ({}, {"id": "0"}, None, "zero is not empty"),
        ({"requiredFields": ["event_id", "occurred_at", "customer_id"]}, {"customer__id": []}, None, "an empty list is not empty text"),
    ],
)  # fmt: skip
def test_empty_text_is_no_value_where_one_is_needed(spec, fields, field, because):
    spec = dict(spec)
    columns = spec.pop("columns", {})
    shaper = _shaper(list(spec.items()), [("columns", columns)] if columns else ())
    page = shaper.shape([_record(**fields)])
    expected = [] if field is None else [("FieldEmpty", field)]
    assert [(one.reason.value, one.field) for one in page.rejections] == expected, because
    assert len(page.keys) == (field is None)


def test_events_without_an_id_do_not_become_one():
    page = _shaper().shape([_record(id=""), _record(id=""), _record(id="")])
    assert page.keys == []
    assert {one.message for one in page.rejections} == {
        'event_id: "" must not be empty unless allowEmpty names it'
    }


def test_only_what_is_mapped_may_be_empty():
    """INV-10."""
    with pytest.raises(SpecError, match='spec.allowEmpty.0.: "nobody" is not mapped'):
        _shaper([("allowEmpty", ["nobody"])])
