import pytest

from chartly.extract.skipping import may_skip


@pytest.mark.parametrize("letter", ["é", "日", "😀"])
@pytest.mark.parametrize("before", [0, *range(65_532, 65_538), *range(131_068, 131_074)])
def test_letters_are_whole_wherever_a_slice_ends(letter, before):
    start, text = b"x" * before, letter.encode()
    assert may_skip(start + text + b"x")
    assert may_skip(start + text)
    assert not may_skip(start + text[:-1])
    assert not may_skip(start + text[:-1] + b"x")
    assert not may_skip(start + text[1:])


@pytest.mark.parametrize("offset", range(0, 256, 51))
def test_an_integer_that_is_too_long_is_found_wherever_it_stands(offset):
    """The longest that can be decoded has 4,300 digits."""
    assert not may_skip(b"x" * offset + b"9" * 4301)
    assert may_skip(b"x" * offset + b"9" * 3840)


def test_nothing_is_sound():
    assert may_skip(b"")
