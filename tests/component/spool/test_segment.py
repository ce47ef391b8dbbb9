import dataclasses
import json

import pytest

from chartly.errors import Reason, RunError
from chartly.slices import PullState, Slice, SliceState, slice_of
from chartly.warning import RunWarning, WarningReason
from chartly_spool.segment import (
    Counters,
    End,
    SegmentMeta,
    SliceEnd,
    body_name,
    digest,
    dump_end,
    dump_meta,
    dump_state,
    load_end,
    load_meta,
    load_state,
    meta_name,
)

EU = slice_of("main", {"site": "eu"}, ("2026-01-01", "2026-01-07"))
META = SegmentMeta(
    7, EU, 5, 2, digest(b"{}"), "https://a.example/", 200, 1, {"next": "b", "pages": 8}, "cd" * 16
)
END = End(
    3,
    Reason.LIMIT_REACHED,
    "it is full",
    Counters(3, 4, 1, 2048, 0.5, {"200": 3, "503": 1}),
    (RunWarning(WarningReason.DUPLICATE_KEYS, "records", "a key twice", 2),),
    (
        SliceEnd(EU, 3, Reason.LIMIT_REACHED, "it is full"),
        SliceEnd(Slice("main"), 0, Reason.SUCCEEDED, ""),
    ),
)
SLICE = {"stream": "main", "slice": "", "pages": 3, "reason": "Succeeded", "message": ""}


def refused(call, path):
    with pytest.raises(RunError) as caught:
        call(path)
    assert caught.value.reason is Reason.PEER_LOST
    return caught.value.message


def test_names():
    assert (body_name(7), meta_name(123_456_789)) == ("00000007.page", "123456789.json")


def test_what_is_written_is_read_back(tmp_path):
    meta = tmp_path / meta_name(7)
    meta.write_bytes(dump_meta(META))
    assert load_meta(meta) == META
    end = tmp_path / "end.json"
    end.write_bytes(dump_end(END))
    assert load_end(end) == END


def test_an_end_without_warnings_is_one_with_none(tmp_path):
    """A connector of an earlier version writes none."""
    content = json.loads(dump_end(END))
    del content["warnings"]
    path = tmp_path / "end.json"
    path.write_text(json.dumps(content))
    assert load_end(path) == dataclasses.replace(END, warnings=())


def test_a_state_names_every_token_of_a_long_run(tmp_path):
    seen = tuple(f"{number:032x}" for number in range(20_000))
    long = SliceState(20_000, {"next": "x", "pages": 20_000}, seen)
    state = PullState({Slice("main"): long, EU: SliceState(complete=True)}, 20_000)
    path = tmp_path / "state.json"
    path.write_bytes(dump_state(state))
    assert path.stat().st_size > 600_000
    assert load_state(path) == state


@pytest.mark.parametrize(
    ("field", "value", "because"),
    [
        ("number", 8, "the name says 7"),
        ("number", "7", "a number in quotes"),
        ("number", True, "a boolean"),
        ("number", None, "null"),
        ("size", 2.0, "a fraction"),
        ("records", "1", "text"),
        ("status", None, "null"),
        ("stream", 1, "a number"),
        ("stream", None, "null"),
        ("slice", 1, "a number"),
        ("slice", "x", "no key of a slice"),
        ("slice", "{}", "no partition in canonical JSON"),
        ("page", "5", "a number in quotes"),
        ("sha256", None, "null"),
        ("url", ["a"], "an array"),
        ("token_hash", {}, "an object"),
        ("position", "b", "text"),
        ("position", [1], "an array"),
        ("surprise", 1, "an unknown member"),
    ],
)
def test_metadata_is_untrusted(tmp_path, field, value, because):
    path = tmp_path / meta_name(7)
    path.write_text(json.dumps({**json.loads(dump_meta(META)), field: value}))
    assert refused(load_meta, path) == "spool segment 00000007.json has no usable metadata", because


@pytest.mark.parametrize("field", sorted(json.loads(dump_meta(META)).keys() - {"format"}))
def test_metadata_without_a_member(tmp_path, field):
    content = json.loads(dump_meta(META))
    del content[field]
    path = tmp_path / meta_name(7)
    path.write_text(json.dumps(content))
    assert refused(load_meta, path) == "spool segment 00000007.json has no usable metadata"


BROKEN = [
    (b"", "empty"),
    (b"{", "cut short"),
    (b"[]", "an array"),
    (b"null", "null"),
    (b"\xff\xfe", "no UTF-8"),
    (b"[" * 60_000, "nested too deep for the parser"),
    (b'{"a": "' + b"x" * 70_000 + b'"}', "longer than metadata may be"),
]


@pytest.mark.parametrize(("content", "because"), BROKEN)
@pytest.mark.parametrize("load", [load_meta, load_end])
def test_a_file_that_is_not_whole(tmp_path, monkeypatch, load, content, because):
    monkeypatch.setattr("chartly_spool.segment._MAX_END", 65_536)
    path = tmp_path / meta_name(7)
    path.write_bytes(content)
    assert refused(load, path) == "spool file 00000007.json is not whole", because


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"reason": "Fine"}, "no reason of ours"),
        ({"reason": None}, "null"),
        ({"pages": "3"}, "text"),
        ({"message": 1}, "a number"),
        ({"counters": {"surprise": 1}}, "an unknown counter"),
        ({"counters": []}, "an array"),
        ({"counters": {"bytes": "9"}}, "a counter in quotes"),
        ({"counters": {"throttled_seconds": "9"}}, "seconds in quotes"),
        ({"counters": {"codes": {"200": "1"}}}, "a count in quotes"),
        ({"counters": {"codes": {"x": 1}}}, "a status in letters"),
        ({"counters": {"codes": [1]}}, "codes in an array"),
        ({"slices": {}}, "no list of slices, and none is told"),
        ({"slices": [{}]}, "a slice without a name"),
        ({"slices": [{**SLICE, "slice": "x"}]}, "no key of a slice"),
        ({"slices": [{**SLICE, "pages": "3"}]}, "pages of a slice in quotes"),
        ({"slices": [{**SLICE, "reason": "Fine"}]}, "a slice's reason is none of ours"),
        ({"slices": [{**SLICE, "message": None}]}, "a slice's message is null"),
        ({"warnings": {}}, "warnings in an object"),
        ({"warnings": [{"reason": "Surprise"}]}, "a warning of another form"),
    ],
)
def test_an_end_is_untrusted(tmp_path, change, because):
    path = tmp_path / "end.json"
    path.write_text(json.dumps({**json.loads(dump_end(END)), **change}))
    says = "spool file end.json is not what a connector writes"
    assert refused(load_end, path) == says, because


def test_an_end_without_a_member(tmp_path):
    path = tmp_path / "end.json"
    path.write_text('{"format": 2, "pages": 1}')
    assert refused(load_end, path) == "spool file end.json is not what a connector writes"


@pytest.mark.parametrize(
    ("load", "name", "content"),
    [
        (load_state, "state.json", dump_state(PullState())),
        (load_meta, meta_name(7), dump_meta(META)),
        (load_end, "end.json", dump_end(END)),
    ],
)
@pytest.mark.parametrize("other", [1, 3, "2", None])
def test_a_file_of_another_version_is_refused_by_both_numbers(tmp_path, load, name, content, other):
    written = json.loads(content)
    assert written.pop("format") == 2
    path = tmp_path / name
    path.write_text(json.dumps({**written, **({} if other == 1 else {"format": other})}))
    assert refused(load, path) == (
        f"spool file {name} is in format {other!r}, and this version reads format 2: connector and "
        "loader must be of one version"
    )
