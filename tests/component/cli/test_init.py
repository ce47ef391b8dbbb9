"""``chartly init``: a domain's name is taken as it is written, or refused with one that would do."""

import pytest

from support.command import chartly


@pytest.mark.parametrize(
    ("domain", "hint", "because"),
    [
        ("my shop", "; 'my-shop' would do", "a space"),
        ("My-Shop", "; 'my-shop' would do", "capitals"),
        (" shop ", "; 'shop' would do", "space around"),
        ("my--shop", "; 'my-shop' would do", "two dashes"),
        ("sh\u00f6p", "; 'sh-p' would do", "a letter that is not ASCII"),
        ("7up", "", "a digit first has no near slug"),
        ("...", "", "nothing that could be kept"),
        ("s" * 60, "", "too long"),
    ],
)
def test_what_is_no_slug_is_refused(tmp_path, domain, hint, because):
    outcome = chartly(tmp_path, "init", domain)
    assert outcome.code == 3, because
    [error] = outcome.errors
    assert error.endswith(hint or "underscores become dashes"), because
    assert error.startswith('error: ConfigInvalid: domain: "')
    assert not list(tmp_path.iterdir()), "nothing may be written"


@pytest.mark.parametrize("domain", ["shop", "my-shop", "device_health"])
def test_the_command_that_is_printed_works(tmp_path, domain):
    folder = tmp_path / "new" / "place"
    outcome = chartly(folder, "init", domain)
    assert (outcome.code, f"next: chartly test {domain}, then" in outcome.err) == (0, True)
    assert chartly(folder, "test", domain).code == 0


def test_no_file_is_overwritten(tmp_path):
    assert chartly(tmp_path, "init", "shop").code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outcome = chartly(tmp_path, "init", "shop")
    assert (outcome.code, "exists already; init overwrites no file" in outcome.err) == (3, True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
