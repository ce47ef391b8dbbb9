"""Where a batch is cut, and which of two equal rows stands; rules first, then against a slow reference."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly_loader import load_batch as module
from chartly_loader.load_batch import LoadBatch, cut, joined, settled

DAY = 86_400_000
TIMED = SimpleNamespace(time_column="at", granularity="day", version_field=None)
VERSIONED = SimpleNamespace(time_column="at", granularity="day", version_field="at")
TIMELESS = SimpleNamespace(time_column=None, granularity=None, version_field=None)


def batch(pages, first=0, repeated=True):
    """Pages of (key, milliseconds, version); each page leaves one reject and one ledger entry."""
    rows = [row for page in pages for row in page]
    table = pa.table({
        "event_key": pa.array([row[0] for row in rows], pa.string()),
        "at": pa.array([row[1] for row in rows], pa.timestamp("ms", tz="UTC")),
        "_ver": pa.array([row[2] for row in rows], pa.uint64()),
        "_page": pa.DictionaryArray.from_arrays(pa.array([0] * len(rows), pa.int32()), [f"page-{first}"]),
        "_deleted": pa.array([0] * len(rows), pa.uint8()),
    })  # fmt: skip
    numbers = range(first, first + len(pages))
    return LoadBatch(
        rows=table,
        starts=np.cumsum([0, *map(len, pages)])[: len(pages)],
        rejects=[{"segment": number} for number in numbers],
        ledger=[SimpleNamespace(segment=number) for number in numbers],
        raw=[f"raw-{number}" for number in numbers],
        repeated=repeated,
    )


def content(one):
    columns = ("event_key", "at", "_ver", "_deleted")
    rows = zip(*(one.rows.column(name).to_pylist() for name in columns), strict=True)
    return [(key, at.timestamp() * 1000, version, gone) for key, at, version, gone in rows]


PAGES = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1, DAY, 3 * DAY]), st.integers(0, 2)), max_size=5),
    min_size=1, max_size=5,
)  # fmt: skip


@given(PAGES, st.data())
def test_a_batch_that_is_split_and_joined_is_the_same(pages, data):
    whole = batch(pages)
    place = data.draw(st.integers(0, len(pages) - 1))
    before, after = whole.split(place)
    assert [one.segment for one in before.ledger] == list(range(place))
    assert [one["segment"] for one in after.rejects] == list(range(place, len(pages)))
    again = joined([before, after])
    assert (content(again), again.starts.tolist()) == (content(whole), whole.starts.tolist())
    assert (again.rejects, again.ledger, again.raw) == (whole.rejects, whole.ledger, whole.raw)
    assert len(before.raw) == place


def test_batches_of_several_pages_share_one_dictionary():
    """One insert is one Arrow stream with one dictionary for each column."""
    one = joined([batch([[("a", 0, 1)]]), batch([[("b", 0, 1)]], first=1)])
    assert one.rows.column("_page").to_pylist() == ["page-0", "page-1"]
    dictionaries = [chunk.dictionary.to_pylist() for chunk in one.rows.column("_page").chunks]
    assert dictionaries == [["page-0", "page-1"]] * 2


def on_days(days):
    return batch(
        [[(f"{p}-{i}", day * DAY, 1) for i, day in enumerate(page)] for p, page in enumerate(days)]
    )


def segments(one):
    return [] if one is None else [page.segment for page in one.ledger]


@pytest.mark.parametrize(
    ("days", "now", "because"),
    [
        ([[0, 0], [0], [1], [1, 1]], 2, "day 1 begins with the third page"),
        ([[0], [1], [2]], 2, "the last change counts"),
        ([[0, 1], [1]], 2, "day 1 has begun within the first page"),
        ([[0], [1], [0]], 3, "a later page goes back"),
        ([[0], [], [1]], 2, "a page without rows belongs to the ones before"),
        ([[], [0]], 2, "one page with rows"),
        ([[], []], 2, "no rows"),
        ([[5]], 1, "one page"),
    ],
)
def test_a_batch_is_cut_where_the_last_partition_begins(monkeypatch, days, now, because):
    monkeypatch.setattr(module, "ROWS_A_PART", 1)
    first, rest = cut(on_days(days), TIMED)
    assert (segments(first), segments(rest)) == (
        list(range(now)),
        list(range(now, len(days))),
    ), because


def test_without_a_time_there_is_no_partition(monkeypatch):
    monkeypatch.setattr(module, "ROWS_A_PART", 1)
    assert segments(cut(on_days([[0], [1]]), TIMELESS)[0]) == [0, 1]


@pytest.mark.parametrize(
    ("most", "largest", "now", "because"),
    [
        (4, 9, 2, "day 1 waits"),
        (3, 9, 3, "there are many rows already, and enough for each part"),
        (4, 3, 3, "however they lie"),
    ],
)
def test_large_batches_do_not_wait(monkeypatch, most, largest, now, because):
    for name, rows in (("ROWS_A_PART", 2), ("MOST_ROWS", most), ("LARGEST_ROWS", largest)):
        monkeypatch.setattr(module, name, rows)
    assert segments(cut(on_days([[0], [0], [1, 1]]), TIMED)[0]) == list(range(now)), because


def test_scattered_rows_wait_for_more(monkeypatch):
    """A part for a few rows costs more than the rows."""
    monkeypatch.setattr(module, "ROWS_A_PART", 2)
    scattered = on_days([[0, 1], [2, 0]])
    assert cut(scattered, TIMED) == (None, scattered)
    monkeypatch.setattr(module, "LARGEST_ROWS", 3)
    assert cut(scattered, TIMED) == (scattered, None)


def test_nothing_is_looked_at_where_nothing_is_repeated():
    one = batch([[("a", 0, 1), ("a", 0, 1)]], repeated=False)
    assert settled(one, TIMED) is one


def slowly_settled(pages, versioned):
    """What ``settled`` says, one row at a time."""
    rows = [row for page in pages for row in page]
    out = []
    for place, (key, at, version) in enumerate(rows):
        later = [row for row in rows[place + 1 :] if row[0] == key and row[2] == version]
        if any(row[1] == at for row in later):
            continue
        out.append((key, at, version, int(bool(later) and not versioned)))
    return out


@pytest.mark.parametrize(("schema", "versioned"), [(TIMED, False), (VERSIONED, True)])
def test_of_equal_rows_one_stands(schema, versioned):
    @given(PAGES)
    def check(pages):
        assert content(settled(batch(pages), schema)) == slowly_settled(pages, versioned)

    check()


def test_without_a_time_the_last_of_a_key_stands():
    one = settled(batch([[("a", 0, 1), ("b", 0, 1), ("a", 0, 1), ("a", 0, 2)]]), TIMELESS)
    assert content(one) == [("b", 0, 1, 0), ("a", 0, 1, 0), ("a", 0, 2, 0)]
