import re
from pathlib import Path

import pytest

from bench.sections import SECTIONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text(encoding="utf-8")


def test_the_page_is_of_a_whole_run_and_ends_with_the_ratio(text):
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(SECTIONS)
    assert "`python -m bench --events 1000000 " in text
    assert re.search(r"\n\*\*ratio to the engine alone: \d\.\d\d\*\*\n$", text)
    assert "not run" not in text


def test_the_page_names_the_machine_s_kind_and_not_the_machine(text):
    for word in ("machine", "versions", "date"):
        assert f"| {word} | " in text
    assert not re.search(r"(^|[\s`|])/(tmp|home|root|work|var)/", text)
