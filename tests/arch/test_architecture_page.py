"""docs/dev names modules, types and tests: each of them exists."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "dev"
ARCHITECTURE = (PAGES / "architecture.md").read_text(encoding="utf-8")
MODULES = [
    path.relative_to(ROOT).as_posix()
    for root in ("core", "adapters", "service", "operator", "runners", "cli", "tests")
    for path in (ROOT / root).rglob("*.py")
]
NAMED = sorted(
    {
        (page.name, name)
        for page in PAGES.glob("*.md")
        for name in re.findall(r"[\w*/]+\.py\b", page.read_text(encoding="utf-8"))
    }
)
STAGES = re.findall(
    r"^\| \w+ \| `(\w+)`.*?\| `([\w/]+\.py)` \|",
    ARCHITECTURE.partition("## The stages of a page")[2],
    re.MULTILINE,
)


@pytest.mark.parametrize(("page", "name"), NAMED)
def test_a_module_that_a_page_names_exists(page, name):
    assert [path for path in MODULES if fnmatch(f"/{path}", f"*/{name}")], f"{page} names {name}"


@pytest.mark.parametrize(("kind", "module"), STAGES)
def test_a_stage_of_a_page_is_a_type_of_its_module(kind, module):
    (path,) = [path for path in MODULES if path.endswith(f"/{module}")]
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    assert kind in {node.name for node in body if isinstance(node, ast.ClassDef)}


def test_the_stages_of_a_page_are_read():
    """From the response to the stored page; a table in another form would check nothing."""
    assert [kind for kind, _ in STAGES][:: len(STAGES) - 1] == ["Response", "RawPage"]
