import ast
import re
import tomllib
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for root in ("core", "adapters", "service", "operator", "runners", "cli", "tests")
    for path in (ROOT / root).rglob("*.py")
    if "__pycache__" not in path.parts
)
SOURCES = [path for path in MODULES if "tests" not in path.relative_to(ROOT).parts]
LONGEST = 400
VAGUE = re.compile(r"(utils?|helpers?|commons?|managers?|misc)(_.*)?|.*_(utils?|helpers?|manager)")
NOUNLESS = {"one", "found", "told", "said", "asked"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_has_one_noun_and_fits_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert VAGUE.fullmatch(path.stem) is None


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_nothing_is_left_unfinished(path):
    assert UNFINISHED.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_says_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)) or not text.strip()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_name_is_a_noun_that_says_what_it_holds(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name.removeprefix("_"))
            case _:
                pass
    assert names & NOUNLESS == set()


def test_no_two_public_classes_have_one_name():
    """A name that is read in a message, a signature or a search leads to one thing."""
    places = defaultdict(list)
    for path in SOURCES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(named(path))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_two_modules_have_one_name():
    """A module's name says what it contains without its folder; a command has its use case's."""
    places = defaultdict(list)
    for path in SOURCES:
        if not path.stem.startswith("__"):
            places[path.stem].append(named(path))
    twins = {name: paths for name, paths in places.items() if len(paths) > 1}
    pair = "service/chartly_service/{0}.py", "cli/chartly_cli/commands/{0}.py"
    assert twins == {
        name: paths
        for name, paths in twins.items()
        if sorted(paths) == sorted(path.format(name) for path in pair)
    }


def test_tests_need_no_packages():
    """Importlib mode: an __init__.py would make two test files of one name collide."""
    assert [
        named(path) for path in MODULES if path not in SOURCES and path.stem == "__init__"
    ] == []


def test_the_commands_of_the_distribution_are_there():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for target in scripts["scripts"].values():
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name)), target


def test_the_core_is_typed():
    packages = {path.parent for path in SOURCES if path.parent.parent.parent == ROOT}
    assert packages
    assert [named(one) for one in packages if not (one / "py.typed").exists()] == []
