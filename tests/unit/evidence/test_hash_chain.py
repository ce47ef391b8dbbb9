from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.evidence.hash_chain import (
    GENESIS,
    Entry,
    Fault,
    Head,
    Verdict,
    append,
    entry_hash,
    head_of,
    parse_head,
    verify,
)

LENGTHS = st.integers(3, 9)


def chain(length):
    """A whole chain of events that differ."""
    entries, head = [], Head()
    for number in range(length):
        entry = append(head, {"type": "workflow.run.started", "data": {"number": number}})
        entries.append(entry)
        head = head_of(entry)
    return entries


def stamped(entry, **changes):
    """An entry with other content and a hash that fits it."""
    other = replace(entry, **changes)
    return replace(other, hash=entry_hash(other.sequence, other.previous, other.event))


def fault(entries, expected=None):
    found = verify(entries, expected)
    return found.fault, found.sequence


@given(st.data(), LENGTHS)
def test_a_whole_chain_has_no_fault(data, length):
    entries = chain(length)
    expected = head_of(entries[data.draw(st.integers(0, length - 1))])
    assert verify(entries, expected) == Verdict(length, entries[-1].hash)
    assert verify(entries) == verify(iter(entries), Head())


def test_an_empty_chain_is_whole():
    assert verify([]) == Verdict(0, GENESIS)


@given(st.data(), LENGTHS)
def test_an_edit_is_found(data, length):
    """INV-9."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    entries[place] = replace(entries[place], event={"type": "workflow.run.failed"})
    assert fault(entries) == (Fault.EDITED, place + 1)


@pytest.mark.parametrize("value", [float("nan"), 2**60, "\ud800"])
def test_an_edit_to_what_canonical_json_cannot_say_is_found(value):
    """INV-9."""
    entries = chain(3)
    entries[1] = replace(entries[1], event={"type": "workflow.run.failed", "data": value})
    assert fault(entries) == (Fault.EDITED, 2)


@given(st.data(), LENGTHS)
def test_a_deletion_is_found(data, length):
    """INV-9: also the first entry; the last one is only known to whoever kept the head."""
    entries = chain(length)
    head = head_of(entries[-1])
    place = data.draw(st.integers(0, length - 1))
    del entries[place]
    kind = Fault.TRUNCATED if place == length - 1 else Fault.MISSING
    assert fault(entries, head) == (kind, place + 1)


@given(st.data(), LENGTHS)
def test_a_cut_at_the_end_is_found_by_the_head_kept_elsewhere(data, length):
    """INV-9."""
    entries = chain(length)
    kept = data.draw(st.integers(0, length - 1))
    assert fault(entries[:kept]) == (None, 0)
    assert fault(entries[:kept], head_of(entries[-1])) == (Fault.TRUNCATED, kept + 1)


@given(st.data(), LENGTHS, st.booleans())
def test_an_insertion_is_found(data, length, first):
    """INV-9: a forged entry that fits what stands before it claims a place that is taken."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    forged = stamped(entries[place], event={"type": "access.denied"})
    entries.insert(place + (0 if first else 1), forged)
    assert fault(entries) == (Fault.INSERTED, place + 1)


@given(st.data(), LENGTHS)
def test_an_entry_given_again_later_is_found(data, length):
    """INV-9."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 2))
    entries.append(entries[place])
    assert fault(entries) == (Fault.INSERTED, place + 1)


@given(st.data(), LENGTHS, st.booleans())
def test_a_swap_is_found(data, length, renumbered):
    """INV-9: whether the rows are swapped or their sequence numbers."""
    entries = chain(length)
    one, two = sorted(data.draw(st.permutations(range(length)))[:2])
    entries[one], entries[two] = entries[two], entries[one]
    if renumbered:
        entries = [replace(entry, sequence=place + 1) for place, entry in enumerate(entries)]
    assert fault(entries) == (Fault.REORDERED, one + 1)


@given(st.data(), LENGTHS)
def test_an_entry_stamped_anew_is_found(data, length):
    """INV-9: by the entry after it, or at the end by the head that was kept elsewhere."""
    entries = chain(length)
    head = head_of(entries[-1])
    place = data.draw(st.integers(0, length - 1))
    entries[place] = stamped(entries[place], event={"type": "workflow.run.failed"})
    assert fault(entries, head) == (Fault.RESTAMPED, place + 1)


@given(st.data(), LENGTHS)
def test_a_tail_stamped_anew_is_found_by_the_head_kept_elsewhere(data, length):
    """INV-9."""
    entries = chain(length)
    expected = head_of(entries[-1])
    place = data.draw(st.integers(0, length - 1))
    head = head_of(entries[place - 1]) if place else Head()
    for number in range(place, length):
        entries[number] = append(head, {"type": "workflow.run.failed", "data": {"number": number}})
        head = head_of(entries[number])
    assert fault(entries) == (None, 0)
    assert fault(entries, expected) == (Fault.RESTAMPED, length)


def test_a_chain_that_starts_in_the_middle_is_found():
    first = Entry(1, "1" * 64, "", {"type": "workflow.run.started"})
    assert fault([stamped(first)]) == (Fault.RESTAMPED, 1)


def test_the_hash_covers_place_predecessor_and_event():
    hashes = {
        entry_hash(1, GENESIS, {"a": 1}),
        entry_hash(2, GENESIS, {"a": 1}),
        entry_hash(1, "1" * 64, {"a": 1}),
        entry_hash(1, GENESIS, {"a": 2}),
    }
    assert len(hashes) == 4
    assert entry_hash(1, GENESIS, {"b": 1, "a": 2}) == entry_hash(1, GENESIS, {"a": 2, "b": 1})


def test_the_hash_is_the_one_that_other_tools_compute():
    """A frozen value: SHA-256 over the canonical JSON, as `openssl dgst -sha256` gives it."""
    assert (
        entry_hash(1, GENESIS, {"type": "dataset.updated"})
        == "765a760e754fe51423b66478004dd64d632b585f0f49938b3daa5058fac34e94"
    )


@given(st.integers(0, 10**9))
def test_a_head_reads_as_it_is_written(count):
    head = Head(count, "ab" * 32)
    assert parse_head(str(head)) == head


@pytest.mark.parametrize(
    "text", ["", "1", "1:", ":" + "a" * 64, "-1:" + "a" * 64, "1:" + "A" * 64, f"1:{'a' * 64}\n"]
)
def test_what_is_no_head_is_refused(text):
    with pytest.raises(ValueError, match="is not a count and a hash"):
        parse_head(text)
