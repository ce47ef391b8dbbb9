import pytest

from chartly.api.version import is_version, parse_version
from chartly.errors import SpecError


@pytest.mark.parametrize(
    "text", ["0.0.0", "1.0.0", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0", "1.0.0-a-b.7"]
)
def test_exact_versions_are_taken_as_they_are(text):
    assert parse_version(text) == text


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("latest", "it can move"),
        ("Latest", "it can move, however spelled"),
        ("v1.0.0", "a v is no part of SemVer"),
        ("1.0", "two numbers"),
        ("1", "one number"),
        ("1.0.0.0", "four numbers"),
        ("01.0.0", "a leading zero"),
        ("1.0.0-01", "a leading zero in a numeric identifier"),
        ("1.0.0+build", "a build part"),
        ("1.0.0-Alpha", "capitals"),
        ("1.0.0-", "an empty identifier"),
        ("1.0.0-a..b", "an empty identifier"),
        ("1.0.0--a", "an identifier that starts with a dash"),
        ("1.0.0-a-", "an identifier that ends with a dash"),
        ("^1.0.0", "a range"),
        (">=1.0.0", "a range"),
        ("1.x", "a range"),
        ("*", "a range"),
        ("1.0.0\n", "a line break"),
        ("", "empty"),
        ("1.0.0-" + "a" * 60, "too long for an object's name"),
    ],
)
def test_versions_that_can_move_or_lie_are_refused(text, because):
    with pytest.raises(SpecError, match="x.y.z"):
        parse_version(text)
    assert not is_version(text), because
