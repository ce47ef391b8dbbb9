"""Three ways to read a page and whole columns, against one value at a time and no shortcut."""

import hashlib
import json
import random
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache, partial
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from chartly.api.columns import INSTANT_DIGITS, INSTANT_UNITS, ColumnType, parse_column_type
from chartly.api.connector import Records
from chartly.api.normalizer import NormalizerSpec
from chartly.api.storage import StorageSpec
from chartly.extract import structs, vectors
from chartly.extract.canonical import canonical_json, canonical_payload
from chartly.extract.decimals import to_decimal
from chartly.extract.instants import Truncated, to_instant
from chartly.extract.jsonpath import _by_library, compile_path
from chartly.extract.lenient import flaw_of, read_document
from chartly.extract.moments import EPOCH, NanoInstant
from chartly.extract.pages import PageReader, compile_reader
from chartly.extract.records import decode_page, select_records
from chartly.extract.reject import BadValueError, RejectReason
from chartly.extract.shaper import compile_shaper
from chartly.extract.storable import strict, strict_column
from chartly.extract.structs import compile_structs
from chartly.extract.transforms import conversion, to_bool, to_int, to_text
from chartly.extract.values import listed, packed

PAGES, RECORDS = 20, 100

# Values as they stand in a page; what is common comes often, what is hostile comes at all.
COMMON = {
    "text": ['"a"', '"Blue"', '" pad "', '"sku-7"', '"web"', '"DE"'],
    "number": ['"19.99"', '"0.5"', '"-7"', '"1234567.123456789"', '"12"'],
    "json": ["5", "5.25", "-3", "0", "1200", "7.5"],
    "whole": ['"42"', '"-7"', '"0"'],
    "int": ["1", "2", "77", "-4"],
    "flag": ["true", "false"],
    "word": ['"yes"', '"no"', '"true"', '"0"', '"1"'],
    "time": ['"2026-02-02T12:00:00Z"', '"2026-03-08T23:59:59Z"', '"2000-02-29T00:00:00Z"'],
    "moment": ['"2026-02-02T12:00:00.25Z"', '"2026-02-02T12:00:00+02:00"', '"1999-12-31T23:59:59.999-05:30"'],
    "fine": ['"2026-02-02T12:00:00.123456Z"', '"2262-01-01T00:00:00Z"', '"2261-12-31T23:59:59-00:01"', '"2261-12-31T23:59:59.999999999Z"', '"2296-02-29T00:00:00+01:00"', '"2484-02-02T12:00:00.5Z"', '"1899-12-31T23:59:59.999999999Z"', '"1677-09-21T00:12:43.145224193Z"', "1770033600123456789", '"1999-12-31T23:59:59.123456789+01:00"', '"1969-12-31T23:59:59.999999999Z"', '"2106-02-07T06:28:16.5Z"'],
    "local": ['"02.02.2026 12:00"', '"28.02.1999 01:30"'],
    "unix": ["1770033600", "1770033601", "-1"],
    "date": ['"2026-02-02"', '"2000-02-29"', '"1999-12-31"'],
    "part": ['"0.25"', "0.5", '"-0.01"'],
    "small": ["125", '"7"', '"-999"'],
}  # fmt: skip
HOSTILE = [
    "null", "true", "false", '""', '" "', "0", "-0", "-0.0", "1.0", "1", "1e2", "1E+2", "1e-3", "1e400", "-1e400", "1e99999999",
    "1.50", "0.1e1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "9" * 38, "9" * 39, "9" * 300, "0." + "1" * 40, "100000000000000.01",
    '"1e2"', '"1E2"', '"NaN"', '"Infinity"', '"+1"', '"+1.5"', '".5"', '"5."', '"-"', '"--1"', '"1,5"', '" 1"', '"1 "', '"١٢"',
    '"007"', '"-0"', '"-0.00"', '"1.0"', '"42.000"', '"42.5"', '"1_000"', '"0x10"', '"' + "9" * 30 + '"', '"' + "1" * 39 + '"',
    '"0.1234567890"', '"1.123456789000"', '"9999999999999999999"', '"' + "0" * 50 + '1"', '"1.2.3"', '"1.5\\n"',
    '"true"', '"TRUE"', '"Yes"', '"nO"', '"on"', '"İ"', '"ß"', '"Straße"', '"ǅ"', '"ΑΣ"', '"ﬁ"', '"\\u0000"', '"a\\u0000b"',
    '"\\u001fx\\u001c"', '"\\u0085x\\u00a0"', '"\\u2003x"', '"\\t x \\r\\n"', '"日本語"', '"😀"', '"\\ud83d\\ude00"', '"e\\u0301"',
    '"quo\\"te"', '"back\\\\slash"', '"sl\\/ash"', '"' + "x" * 200 + '"', '"' + "x" * 201 + '"', '"' + "é" * 101 + '"',
    '"2026-02-30T00:00:00Z"', '"2026-02-29T00:00:00Z"', '"1900-02-29T00:00:00Z"', '"2100-02-29T00:00:00Z"', '"2026-04-31T00:00:00Z"',
    '"2026-13-01T00:00:00Z"', '"2026-00-10T00:00:00Z"', '"2026-01-00T00:00:00Z"', '"2026-01-01T24:00:00Z"', '"2026-01-01T23:60:00Z"',
    '"2016-12-31T23:59:60Z"', '"2026-02-02t12:00:00z"', '"2026-02-02 12:00:00Z"', '"2026-02-02T12:00:00"', '"2026-02-02"',
    '"2026-02-02T12:00Z"', '"2026-02-02T12Z"', '"2026-02-02T12:00:00.Z"', '"2026-02-02T12:00:00.1234Z"', '"2026-02-02T12:00:00.120000Z"',
    '"2026-02-02T12:00:00+24:00"', '"2026-02-02T12:00:00+23:59"', '"2026-02-02T12:00:00-00:00"', '"2026-02-02T12:00:00+0200"',
    '"2026-02-02T12:00:00+02"', '"2026-02-02T12:00:00.5+02"', '"1899-12-31T23:59:59.999Z"', '"1900-01-01T00:00:00Z"',
    '"1900-01-01T00:00:00+01:00"', '"1901-01-01T00:00:00+01:00"', '"2299-12-31T23:59:59.999Z"', '"2299-12-31T23:59:59-01:00"',
    '"2298-12-31T23:59:59-01:00"', '"2300-01-01T00:00:00Z"', '"0001-01-01T00:00:00+01:00"', '"9999-12-31T23:59:59-01:00"',
    '"0000-01-01T00:00:00Z"', '"20260202T120000Z"', '"\\uff12026-02-02T12:00:00Z"', '"1969-12-31T23:59:59Z"', '"2026-03-08T02:30:00"',
    '"2026-02-30"', '"1899-12-31"', '"2299-12-31"', '"2026-2-2"', '"02.02.2026 25:00"', '"29.03.2026 02:30"', '"25.10.2026 02:30"',
    '"2026-02-02T12:00:00.123456Z"', '"2262-01-01T00:00:00Z"', '"2261-12-31T23:59:59-00:01"', '"2261-12-31T23:59:59.999999999Z"', '"2296-02-29T00:00:00+01:00"', '"2484-02-02T12:00:00.5Z"', '"1899-12-31T23:59:59.999999999Z"', '"1677-09-21T00:12:43.145224193Z"', "1770033600123456789", '"1969-12-31T23:59:59.9999999+01:00"', '"2026-02-02T12:00:00.123456789-05:30"', '"2299-12-31T23:59:59.9999Z"',
    '"1990-12-31T10:00:00+10:60"', '"1712345678.123456"', '"1.7123456781234E9"', "1.7123456781234E9", '"1e-7"', '"-1e-7"', '"5e"', '"1e123456"',
    "1770033600000", "-99999999999999", "999999999999999", "1770033600.1234",
    "[]", "[1]", "[[]]", "{}", '{"b": 1.50, "a": null}', '{"a": {"a": [1, 2.0, "x"]}}', '{"x": 1, "x": 2}', "[" * 60 + "]" * 60,
]  # fmt: skip
ODD_OBJECTS = [
    "null",
    "{}",
    "[]",
    "5",
    "5.5",
    '"text"',
    "true",
    '{"%s": null}',
    '{"other": 1}',
    '[{"%s": 1}]',
]
ODD_RECORDS = ["null", "5", "1.5", '"x"', "true", "[]", '[{"id": "a"}]', "{}"]
SKIPPED = [
    '"deep": [[{"a": [1e999, -0, {"x": "é\\u0000"}]}]]',
    '"extra": "é"',
    '"n": 1.0',
    '"id2": null',
]
FLAWED = [
    '"skipped": NaN',
    '"text": NaN',
    '"number": -Infinity',
    '"int": Infinity',
    '"list": [{"number": NaN}]',
    '"in": {"deep": {"text": NaN}}',
    '"text": "\\ud800"',
    '"skipped": "\\udc00 x"',
    '"skipped": ["\\ud83d\\u0041"]',
    '"\\ud800": 1',
    '"text": "\udcff"',
    '"skipped": {"x": "\udce2\udc82"}',
    '"\udcc3": 1',
    '"in": {"\udcc3": 1}',
    '"json": ' + "9" * 4301,
    '"skipped": -' + "9" * 5000,
]
"""Members that JSON does not have; bytes that are no UTF-8 stand as halves of surrogate pairs."""


def _profile(mapping, transforms=(), columns=(), **more):
    """The two specs of a dataset; transforms are given as op, field and settings."""
    normalizer = {
        "canonicalEventType": "odd.event",
        "mapping": mapping,
        "transforms": [
            {"op": op, "field": field, **settings} for op, field, settings in transforms
        ],
        **more,
    }
    storage = {"dataset": "odd", "columns": dict(columns)}
    return (
        NormalizerSpec.model_validate_json(json.dumps(normalizer)),
        StorageSpec.model_validate_json(json.dumps(storage)),
    )


PLAIN = _profile(
    {"event_id": "$.text", "amount": "$.in.number", "occurred_at": "$.time", "who": "$.in.deep.text", "price": "$.json"},
    [("toNumber", "amount", {}), ("toUtcTimestamp", "occurred_at", {})],
    requiredFields=["event_id", "occurred_at"], versionField="occurred_at",
)  # fmt: skip
INDEX = _profile(
    {"amount": "$.list[1].number", "first": "$.list[0]", "occurred_at": "$.time", "id": "$.int"},
    [("toDecimal", "amount", {"precision": 10, "scale": 2}), ("toUtcTimestamp", "occurred_at", {"zone": "Europe/Berlin"})],
    identity=["id", "occurred_at", "first"], requiredFields=["amount"],
)  # fmt: skip
WILDCARD = _profile(
    {"all": "$.list[*].number", "last": "$.list[-1].text", "deep": "$..flag", "id": "$['text']", "whole": "$", "part": "$.in", "more": "$.in.text"},
    [("toString", "all", {"onError": "null"}), ("hash", "whole", {}), ("toString", "deep", {})],
    identity=["id", "last"], allowEmpty=["last"],
)  # fmt: skip
TRANSFORMS = _profile(
    {name: f"$.{name}" for name in (*COMMON, "more")},
    [
        ("toNumber", "number", {}), ("toDecimal", "json", {"precision": 12, "scale": 3, "onError": "default", "default": 7}), ("default", "json", {"value": "2.5"}),
        ("toNumber", "number", {}), ("toInt", "whole", {"onError": "null"}), ("default", "whole", {"value": -1}),
        ("toInt", "int", {"onError": "default", "default": "none"}), ("toString", "int", {}), ("toBool", "flag", {}), ("toBool", "word", {"onError": "null"}),
        ("toUtcTimestamp", "fine", {"excess": "truncate", "onError": "null"}), ("toUtcTimestamp", "time", {}), ("toUtcTimestamp", "moment", {"onError": "null", "excess": "truncate"}), ("default", "text", {"value": "none"}),
        ("toUtcTimestamp", "local", {"formats": ["%d.%m.%Y %H:%M"], "zone": "Europe/Berlin", "onError": "null"}),
        ("toUtcTimestamp", "unix", {"formats": ["unix", "%Y-%m-%dT%H:%M:%S.%f%z"], "onError": "null", "excess": "truncate"}),
        ("toNumber", "small", {"onError": "default", "default": 1}), ("toBool", "small", {"onError": "null"}),
        ("trim", "text", {"onError": "null"}), ("lower", "text", {}), ("mapValues", "text", {"values": {"blue": 1, "a": True, "web": "w"}, "onError": "default", "default": "other"}),
        ("upper", "more", {"onError": "null"}), ("hash", "date", {"salt": "s", "onError": "null"}), ("rename", "more", {"to": "loud"}),
        ("const", "source", {"value": "api"}), ("const", "gone", {"value": 5}), ("drop", "gone", {}),
    ],
    identity=["number", "time", "int", "flag"],
)  # fmt: skip
_TYPED = {
    "text": "LowCardinality(String)", "number": "Decimal(9,2)", "json": "Decimal(38,9)", "int": "Int64", "whole_2": "String", "flag": "Bool",
    "time": "Timestamp", "moment": "Timestamp", "date": "Date", "word": "String", "small": "Decimal(3,0)", "part": "Decimal(2,2)", "unix": "Int64",
}  # fmt: skip
TWENTY = _profile(
    {**{name: f"$.{name}" for name in (*COMMON, "more")}, **{f"{name}_2": f"$.in['{name}']" for name in ("text", "number", "int", "time", "flag", "json", "whole")}, "int_3": "$.in.deep.int"},
    [("toNumber", "number", {}), ("toInt", "int_2", {}), ("toUtcTimestamp", "date", {"formats": ["%Y-%m-%d"], "zone": "UTC"}), ("toNumber", "json_2", {}), ("toNumber", "number_2", {})],
    {**_TYPED, "json_2": "Decimal(20,2)", "number_2": "Decimal(38,20)", "int_2": "Decimal(30,2)", "whole_2": "LowCardinality(String)", "int": "UInt64", "int_3": "Int64"},
    identity=["text_2"],
)  # fmt: skip
_INSTANTS = [*(f"{kind}{digits}" for kind in ("time", "moment", "fine") for digits in (3, 6, 9))]
PRECISE = _profile(
    {"event_id": "$.text", **{name: f"$.{name.rstrip('369')}" for name in _INSTANTS}, "moment3": "$.fine", "read": "$.fine", "unix9": "$.unix", "date": "$.date", "gone": "$.fine", "long": "$.time"},
    [
        *(("toUtcTimestamp", name, {"excess": "truncate"} if name == "moment3" else {"onError": "null"} if name < "fine9" else {}) for name in _INSTANTS if not name.startswith("time")),
        ("toUtcTimestamp", "read", {"onError": "null"}), ("toUtcTimestamp", "unix9", {"formats": ["unix", "unixNs", "%Y-%m-%dT%H:%M:%S.%f%z"], "excess": "truncate", "onError": "null"}),
        ("toUtcTimestamp", "gone", {"onError": "null", "excess": "truncate"}), ("toUtcTimestamp", "gone", {"onError": "null"}), ("drop", "gone", {}),
        ("rename", "read", {"to": "between"}), ("rename", "between", {"to": "kept"}), ("toUtcTimestamp", "long", {"onError": "null"}), ("toString", "long", {}),
    ],
    {**{name: f"Timestamp({name[-1]})" for name in _INSTANTS}, "kept": "Timestamp(9)", "unix9": "Timestamp(9)", "date": "Date", "long": "String"},
    identity=["event_id", "kept", "fine6"], versionField="kept",
)  # fmt: skip
PROFILES = {
    "plain": PLAIN,
    "index": INDEX,
    "wildcard": WILDCARD,
    "transforms": TRANSFORMS,
    "twenty": TWENTY,
    "precise": PRECISE,
}
"""Their fields are named after the kind of value that is common in them."""


@cache
def _bodies(seed):
    """Pages: some as they should be, some with odd values, some where even the places are odd."""
    chance = random.Random(seed)
    return [
        _body(chance, odd=(0, 0.004, 0.03, 0.3)[number % 4], misplaced=number % 8 > 4)
        for number in range(PAGES)
    ]


def _body(chance, *, odd, misplaced):
    records = [_record(chance, odd, misplaced) for _ in range(RECORDS)]
    return f'{{"data": [{", ".join(records)}], "next": null}}'.encode("utf-8", "surrogateescape")


def _record(chance, odd, misplaced):
    if misplaced and chance.random() < 0.1:
        return chance.choice(ODD_RECORDS)
    inner = _members(chance, odd)
    inner.append(_nested(chance, "deep", "text", _members(chance, odd), misplaced))
    elements = [
        f"{{{', '.join(_members(chance, odd))}}}" for _ in range(chance.choice((0, 1, 2, 2, 3)))
    ]
    members = _members(chance, odd)
    members.append(_nested(chance, "in", "number", inner, misplaced))
    members.append(f'"list": [{", ".join(elements)}]')
    members.append(chance.choice(SKIPPED))
    if misplaced and chance.random() < 0.1:
        members.append(chance.choice(FLAWED))
    chance.shuffle(members)
    return f"{{{', '.join(members)}}}"


def _members(chance, odd):
    members = []
    for name, values in (*COMMON.items(), ("more", COMMON["text"])):
        if chance.random() >= odd:
            members.append(f'"{name}": {chance.choice(values)}')
        elif chance.random() < 0.9:
            members.append(f'"{name}": {chance.choice(HOSTILE)}')
        if chance.random() < odd / 10:
            members.append(f'"{name}": {chance.choice(HOSTILE)}')
    return members


def _nested(chance, name, member, members, misplaced):
    if misplaced and chance.random() < 0.1:
        return f'"{name}": {chance.choice(ODD_OBJECTS).replace("%s", member)}'
    return (
        f'"{name}": {chance.choice(("null", "{}"))}'
        if chance.random() < 0.02
        else f'"{name}": {{{", ".join(members)}}}'
    )


def _few_at_a_time(monkeypatch):
    """The records of every page are decoded as those of large ones are."""
    monkeypatch.setattr(structs, "LARGE", 0)
    monkeypatch.setattr(structs, "SLICE", 2_000)


def _reader(executor, normalizer, storage):
    if executor == "slices":
        return compile_reader(Records(), "cursor", normalizer, storage)
    paths = [compile_path(text) for text in normalizer.mapping.values()]
    if executor == "library":
        paths = [_by_library(path.text) for path in paths]
    return PageReader(Records(), "cursor", dict(zip(normalizer.mapping, paths, strict=True)), None)


def _expected(bodies, normalizer, storage):
    """What the rules for one value say: a row or a rejection for each record, in order."""
    schema = compile_shaper(normalizer, storage).schema
    rows, payloads, rejections, truncated = [], [], [], Counter()
    for page, body in enumerate(bodies):
        for index, record in enumerate(
            select_records(read_document(body).content, Records(), "cursor")
        ):
            flaw = flaw_of(record)
            cut = []
            row, payload, mistake = (
                _one(record, normalizer, schema, cut)
                if flaw is None
                else (None, None, _refused(flaw))
            )
            if mistake is None:
                truncated.update(cut)
                rows.append(
                    {**row, "_page": page, "_index": index}
                    | ({"_version": row.pop("_version")} if "_version" in row else {})
                )
                payloads.append(canonical_payload(schema.event_type, payload))
            else:
                rejections.append(
                    {
                        "page": page,
                        "index": index,
                        "record": _shown(record)[: 64 * 1024],
                        **mistake,
                    }
                )
    return rows, payloads, rejections, truncated


def _refused(flaw):
    message = f"{flaw.path} {flaw.message}"
    return {"reason": flaw.reason, "field": "", "path": flaw.path, "message": message}


def _shown(record):
    return canonical_json(record).decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace")  # fmt: skip


def _one(record, normalizer, schema, cut):
    if not isinstance(record, dict):
        return (
            None,
            None,
            {
                "reason": RejectReason.RECORD_NOT_OBJECT,
                "field": "",
                "path": "$",
                "message": "a record must be a JSON object",
            },
        )
    mistakes = []

    def taken(name, convert, value):
        try:
            return _whole(name, convert(value), cut)
        except BadValueError as error:
            mistakes.append((name, error.reason, error.message))
            return None

    payload = {name: compile_path(path).get(record) for name, path in normalizer.mapping.items()}
    for place, one in enumerate(normalizer.transforms):
        convert = conversion(one, _digits(one.field, normalizer.transforms[place + 1 :], schema))
        if one.op == "drop":
            del payload[one.field]
        elif one.op == "rename":
            payload[one.to] = payload.pop(one.field)
        else:
            payload[one.field] = _transformed(taken, one, convert, payload.get(one.field), cut)
    stored = _stored(payload, taken, mistakes, normalizer, schema)
    if mistakes:
        return None, None, _mistake(record, normalizer, *mistakes[0])
    return stored, payload, None


def _whole(name, value, cut):
    if not isinstance(value, Truncated):
        return value
    cut.append(name)
    return value.moment


def _digits(field, following, schema):
    """Those of the column that a field is in the end."""
    for one in following:
        if one.op == "rename" and one.field == field:
            field = one.to
        elif one.op in ("drop", "const") and one.field == field:
            return INSTANT_DIGITS
    kind = next((column.type for column in schema.columns if column.name == field), None)
    return kind.precision if kind is not None and kind.is_instant else INSTANT_DIGITS


def _transformed(taken, one, convert, value, cut):
    if one.on_error == "reject":
        return taken(one.field, convert, value)
    try:
        return _whole(one.field, convert(value), cut)
    except BadValueError:
        return one.default if one.on_error == "default" else None


def _stored(payload, taken, mistakes, normalizer, schema):
    text = {
        one.field
        for one in normalizer.transforms
        if one.op in ("toString", "lower", "upper", "trim", "hash")
    }
    row = {}
    for column in schema.columns:
        name, value = column.name, payload[column.name]
        if column.type == ColumnType("String") and name not in text:
            row[name] = None if value is None else to_text(value)
        else:
            row[name] = payload[name] = (
                None if value is None else taken(name, strict(column.type), value)
            )
        if name == schema.version_field:
            row["_version"] = None if row[name] is None else _version(row[name])
            if (row["_version"] or 0) < 0:
                mistakes.append(
                    (name, RejectReason.VERSION_INVALID, "is the version and lies before 1970")
                )
        if row[name] == "" and name in _filled(normalizer):
            mistakes.append(
                (name, RejectReason.FIELD_EMPTY, "must not be empty unless allowEmpty names it")
            )
        if row[name] is None and column.required:
            mistakes.append((name, RejectReason.REQUIRED_FIELD_MISSING, "is required"))
        elif row[name] is None and name == schema.version_field:
            mistakes.append(
                (name, RejectReason.VERSION_INVALID, "is the version and must not be null")
            )
    texts = [None if row[name] is None else to_text(row[name]) for name in schema.identity]
    if not any(text is not None for text in texts):
        mistakes.append((schema.identity[0], RejectReason.IDENTITY_MISSING, "identifies the event"))
    key = canonical_json(texts).decode() if len(texts) > 1 else str(texts[0])
    long = len(key.encode()) > 200
    return {
        **row,
        "event_key": "sha256:" + hashlib.sha256(key.encode()).hexdigest() if long else key,
    }


def _version(moment):
    if isinstance(moment, NanoInstant):
        return moment.count // 10**3
    return (moment - EPOCH) // timedelta(microseconds=1)


def _filled(normalizer):
    named = {*normalizer.required_fields, *(normalizer.identity or ["event_id"])}
    return named - {*normalizer.allow_empty}


def _mistake(record, normalizer, name, reason, message):
    path = normalizer.mapping.get(name)
    if path is not None and reason is not RejectReason.REQUIRED_FIELD_MISSING:
        shown = canonical_json(compile_path(path).get(record)).decode()
        message = f"{shown if len(shown) <= 80 else shown[:80] + '...'} {message}"
    return {"reason": reason, "field": name, "path": path or "", "message": f"{name}: {message}"}


@cache
def _reference(profile):
    return _expected(_bodies(profile), *PROFILES[profile])


@cache
def _compiled(profile):
    """All pages of a profile at once, each read in the quickest way that it allows."""
    reader = compile_reader(Records(), "cursor", *PROFILES[profile])
    pages = [reader.read(body) for body in _bodies(profile)]
    return pages, compile_shaper(*PROFILES[profile]).shape(pages)


@pytest.mark.no_cover  # four times as fast; smaller tests cover the same code
@pytest.mark.parametrize("profile", PROFILES)
def test_pages_give_what_single_values_give(profile):
    """INV-4 and INV-5: every record comes out as the rules for one value say, in its place."""
    rows, payloads, rejections, truncated = _reference(profile)
    pages, shaped = _compiled(profile)
    found = _rows(shaped.rows)
    assert [asdict(one) for one in shaped.rejections] == rejections
    assert found == rows
    assert list(map(_kinds, found)) == list(map(_kinds, rows))
    assert shaped.keys == [row["event_key"] for row in rows]
    assert shaped.truncated == truncated
    expected = {"transforms": {"fine", "unix"}, "precise": {"moment3", "gone"}}
    assert set(truncated) == expected.get(profile, set())
    assert shaped.read == (RECORDS,) * PAGES
    assert len(rejections) + len(rows) + sum(shaped.filtered) == PAGES * RECORDS
    shaper = compile_shaper(*PROFILES[profile])
    assert [event for page in pages for event in shaper.events(page)] == payloads


def _rows(table):
    columns = {name: listed(table.column(name).combine_chunks()) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _kinds(row):
    return {name: type(value) for name, value in row.items()}


@pytest.mark.no_cover  # four times as fast; smaller tests cover the same code
@pytest.mark.parametrize("profile", PROFILES)
def test_pages_together_give_what_they_give_one_by_one(profile):
    """INV-5: where a batch ends changes nothing."""
    pages, shaped = _compiled(profile)
    shaper = compile_shaper(*PROFILES[profile])
    alone = [shaper.shape([page]) for page in pages]
    rows = pa.concat_tables([one.rows for one in alone])
    assert rows.drop_columns("_page").equals(shaped.rows.drop_columns("_page"))
    assert [key for one in alone for key in one.keys] == shaped.keys
    again = [
        replace(one, page=page) for page, single in enumerate(alone) for one in single.rejections
    ]
    assert again == shaped.rejections
    assert sum((Counter(one.truncated) for one in alone), Counter()) == shaped.truncated


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("executor", ["accessors", "library", "slices"])
def test_every_executor_gives_the_same(profile, executor, monkeypatch):
    """INV-5."""
    normalizer, storage = PROFILES[profile]
    reader = _reader(executor, normalizer, storage)
    if executor == "slices":
        _few_at_a_time(monkeypatch)
    shaped = compile_shaper(normalizer, storage).shape(
        [reader.read(one) for one in _bodies(profile)]
    )
    _, compiled = _compiled(profile)
    assert shaped.rows.equals(compiled.rows)
    assert (shaped.read, shaped.keys, shaped.rejections, shaped.truncated) == (
        compiled.read,
        compiled.keys,
        compiled.rejections,
        compiled.truncated,
    )


@pytest.mark.parametrize(
    ("profile", "count"),
    [
        ("plain", 14),
        ("transforms", 14),
        ("twenty", 14),
        ("index", None),
        ("wildcard", None),
        ("precise", 14),
    ],
)
def test_structs_read_the_pages_whose_places_are_usual(profile, count, monkeypatch):
    """Without this the tests above could compare an executor with itself."""
    paths = [compile_path(path) for path in PROFILES[profile][0].mapping.values()]
    found = compile_structs(Records(), paths)
    if found is None:
        assert count is None
        return
    assert sum(found.columns(one) is not None for one in _bodies(profile)) == count
    _few_at_a_time(monkeypatch)
    usual = found._usual
    slices = [found._in_slices(one, usual) for one in _bodies(profile)]
    assert sum(one is not None for one in slices) > 0
    nothing = found.columns(b'{"data": []}')
    assert nothing is not None
    assert set(map(len, nothing)) == {0}


ATTEMPTS = {
    "toNumber": (partial(vectors.decimals, precision=38, scale=9), partial(to_decimal, precision=38, scale=9)),
    "Decimal(9,2)": (partial(vectors.decimals, precision=9, scale=2), partial(to_decimal, precision=9, scale=2)),
    "Decimal(3,0)": (partial(vectors.decimals, precision=3, scale=0), partial(to_decimal, precision=3, scale=0)),
    "toInt": (vectors.integers, to_int),
    **{
        f"toUtcTimestamp({digits})": (partial(vectors.instants, digits=digits), partial(to_instant, formats=(), zone=None, digits=digits))
        for digits in INSTANT_UNITS
    },
    "toString": (vectors.spelled, to_text),
    "toBool": (vectors.booleans, to_bool),
    "lower": (partial(vectors.changed, change=pc.ascii_lower), lambda value: _text(value).lower()),
    "upper": (partial(vectors.changed, change=pc.ascii_upper), lambda value: _text(value).upper()),
    "trim": (partial(vectors.changed, change=vectors.trimmed), lambda value: _text(value).strip()),
    **{kind: (strict_column(parse_column_type(kind)), strict(parse_column_type(kind))) for kind in sorted({"UInt64", *_TYPED.values()} - {"Decimal(9,2)", "Decimal(3,0)"})},
}  # fmt: skip
"""For each conversion what takes whole columns, and the rule for one value."""


def _text(value):
    if not isinstance(value, str):
        raise BadValueError(RejectReason.TYPE_MISMATCH, "must be text")
    return str(value)


def _judged(convert, value):
    try:
        return None if value is None else convert(value)
    except BadValueError:
        return BadValueError


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_a_column_is_sure_of_is_what_the_rule_says(name):
    """Each value in columns of its own, where no other value forces a closer look."""
    attempt, convert = ATTEMPTS[name]
    every = [decode_page(one.encode()) for one in (*HOSTILE, *chain(*COMMON.values()))]
    for value in every:
        for column in ([value], [value, None], [value, value, every[0]]):
            for values in (column, packed(column)):
                vector = attempt(values)
                if vector is None:
                    continue
                found = listed(vector.array)
                for row, one in enumerate(column):
                    if row not in vector.odd:
                        assert found[row] == _judged(convert, one), (one, column)
                    else:
                        assert found[row] is None
                        assert one is not None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("toNumber", ["1.5", 2, "-3"]), ("Decimal(9,2)", ["1.25", None]), ("toInt", ["5", 5]), ("toInt", [5, None]), ("trim", [" a "]),
        ("toUtcTimestamp(3)", ["2026-02-02T12:00:00Z", "2026-02-02T12:00:00.5Z"]), ("toUtcTimestamp(3)", ["2024-02-29T12:00:00.123+02:00"]),
        ("toUtcTimestamp(6)", ["2026-02-02T12:00:00.123456Z", "1969-12-31T23:59:59.999999Z"]), ("toUtcTimestamp(6)", ["2298-02-28T12:00:00.123456+02:00"]),
        ("toUtcTimestamp(9)", ["1905-02-02T12:00:00.123456789Z", "2261-12-31T23:59:59.999999999Z"]), ("toUtcTimestamp(9)", ["2259-12-31T12:00:00.123456789+02:00"]),
        ("toBool", [True, None]), ("Date", ["2026-02-02"]), ("Int64", [5]), ("UInt64", [5, None]), ("LowCardinality(String)", ["a"]), ("toString", [5, "a"]),
    ],
)  # fmt: skip
def test_what_is_common_takes_no_second_look(name, values):
    """Without this the test above would pass on columns that are sure of nothing."""
    vector = ATTEMPTS[name][0](packed(values))
    assert vector is not None
    assert vector.odd == []
