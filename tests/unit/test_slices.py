import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.slices import PullState, Slice, SliceState, complete_state, slice_named, slice_of

WINDOW = ("2026-01-01T00:00:00Z", "2026-01-07T23:59:59Z")
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
PARTITIONS = st.one_of(st.none(), st.dictionaries(TEXT, TEXT, max_size=3))
ENDS = st.text("0123456789-:TZ.+", min_size=1, max_size=12)
SLICES = st.builds(slice_of, TEXT, PARTITIONS, st.one_of(st.none(), st.tuples(ENDS, ENDS)))


@pytest.mark.parametrize(
    ("slice_", "key", "shown"),
    [
        (Slice("main"), "", "main"),
        (slice_of("visits", {"site": "eu"}), '{"site":"eu"}', 'visits {"site":"eu"}'),
        (slice_of("visits", {"b": "2", "a": "ü"}), '{"a":"ü","b":"2"}', 'visits {"a":"ü","b":"2"}'),
        (slice_of("bills", None, WINDOW), "@" + "/".join(WINDOW), "bills @" + "/".join(WINDOW)),
        (slice_of("bills", {"a": "x@y"}, ("0", "9")), '{"a":"x@y"}@0/9', 'bills {"a":"x@y"}@0/9'),
        (slice_of("visits", {}), "", "visits"),
    ],
)
def test_a_slice_is_named_within_its_stream(slice_, key, shown):
    assert (slice_.key, str(slice_), slice_.is_plain) == (key, shown, key == "")


@given(SLICES)
def test_the_name_of_a_slice_leads_back_to_it(slice_):
    assert slice_named(slice_.stream, slice_.key) == slice_


@given(st.lists(SLICES, unique=True))
def test_no_two_slices_of_a_stream_have_one_name(slices):
    assert len({(slice_.stream, slice_.key) for slice_ in slices}) == len(slices)


@given(st.lists(SLICES))
def test_slices_are_ordered_by_stream_first(slices):
    streams = [slice_.stream for slice_ in sorted(slices)]
    assert streams == sorted(streams)


@pytest.mark.parametrize(
    ("key", "because"),
    [
        ("x", "no partition and no window"),
        ("2026-01-01/2026-01-07", "a window stands behind the sign"),
        ("@", "neither is there"),
        ("@2026-01-01", "a window without an end"),
        ("@a/b", "letters that no instant and no number has"),
        ("@1/2/3", "three ends"),
        ("{}", "a partition without a value is none"),
        ('{"b":1, "a":2}', "not the canonical form"),
        ("[1}", "no JSON"),
        ("[" * 100_000 + "}", "nested too deep for the parser"),
        ('{"a":NaN}', "not a value of JSON"),
        ('"a"}', "no JSON object"),
        ('["a"]@1/2', "a list"),
        ('{"a":"\ud800"}', "half of a surrogate pair"),
    ],
)
def test_what_names_no_slice_is_refused(key, because):
    with pytest.raises(ValueError, match="slice|partition|window|JSON|utf-8"):
        slice_named("main", key)


def test_a_run_with_nothing_left_is_complete_in_every_slice():
    slices = [Slice("a"), slice_of("b", {"site": "eu"})]
    assert complete_state(slices) == PullState(
        {slices[0]: SliceState(complete=True), slices[1]: SliceState(complete=True)}
    )
