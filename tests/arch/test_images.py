"""The images, as their Dockerfiles say: what is in each, as whom it runs, and what it lacks."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field

import pytest

from support.profiles import ROOT

FILES = {
    "operator": ROOT / "operator" / "Dockerfile",
    "connector": ROOT / "runners" / "Dockerfile",
    "loader": ROOT / "runners" / "Dockerfile",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LACKS = {
    "operator": {"chdb", "chdb-core", "clickhouse-connect", "httpx", "pyarrow", "typer", "pandas"},
    "connector": {
        "clickhouse-connect",
        "pyarrow",
        "kubernetes",
        "kopf",
        "chdb",
        "sqlglot",
        "typer",
    },
    "loader": {"kubernetes", "kopf", "httpx", "chdb", "chdb-core", "aiohttp", "typer", "pandas"},
}
"""What an image must not hold: another part's way to secrets, or weight without use."""


@dataclass
class Stage:
    """One stage of a Dockerfile."""

    base: str
    name: str
    words: list = field(default_factory=list)

    def all(self, instruction):
        return [rest for one, rest in self.words if one == instruction]


def instructions(path):
    """The instructions of a file, each on one line, comments left out."""
    text = path.read_text(encoding="utf-8")
    lines = [one for one in text.splitlines() if one.strip() and not one.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [one.split(" ", 1) for one in joined.splitlines()]


def stages(path):
    found = []
    for word, rest in instructions(path):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].words.append((word, rest))
    return {one.name: one for one in found}


def pinned(name):
    """The distributions of an image's lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {
        normal(one) for one in re.findall(r"^([A-Za-z0-9._-]+)(?:\[\w+\])?==", text, re.MULTILINE)
    }


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", sorted(set(FILES.values())), ids=lambda path: path.parent.name)
def test_the_base_is_an_argument_and_every_stage_stands_on_it(path):
    first, *_ = instructions(path)
    assert first[0] == "ARG"
    assert re.fullmatch(r"BASE_IMAGE=\S+:(?!latest)\S+", first[1])
    known = stages(path)
    assert all(one.base in {"${BASE_IMAGE}", *known} for one in known.values())


@pytest.mark.parametrize("path", sorted(set(FILES.values())), ids=lambda path: path.parent.name)
def test_what_is_fetched_is_fetched_by_hash_and_nothing_by_hand(path):
    """Every pip call names hashes, or has no index to ask; there is no other download."""
    for word, rest in instructions(path):
        assert word in {
            "ARG",
            "FROM",
            "WORKDIR",
            "COPY",
            "RUN",
            "LABEL",
            "ENV",
            "USER",
            "ENTRYPOINT",
        }
        if word == "RUN":
            command = re.sub(r"--mount=\S+ ", "", rest)
            assert command.startswith("python3 -m pip "), "no shell tricks"
            assert not re.search(r"[;&|<>`$*]", command)
            assert ("--require-hashes" in command) or ("--no-index" in command)
            assert "--no-cache-dir" in command
        if word in {"ARG", "ENV"}:
            assert not re.search(r"PASSWORD|TOKEN|SECRET|KEY|PROXY|INDEX", rest)


@pytest.mark.parametrize("part", FILES)
def test_an_image_runs_as_nobody_and_starts_its_own_program(part):
    final = stages(FILES[part])[part]
    assert final.base == "${BASE_IMAGE}"
    assert final.all("USER") == ["65532:65532"]
    assert final.all("ENTRYPOINT") == [json.dumps([f"chartly-{part}"])]
    assert final.words[-1][0] == "ENTRYPOINT"
    assert f"chartly-{part}" in PROJECT["scripts"]


@pytest.mark.parametrize("part", FILES)
def test_an_image_holds_its_packages_and_the_wheel_and_no_source(part):
    """Nothing is executed in it. The packages come first, so that their layer outlives a revision."""
    known = stages(FILES[part])
    final = known[part]
    assert final.all("RUN") == []
    assert [word for word, _ in final.words[:2]] == ["COPY", "COPY"]
    assert final.all("COPY") == [
        f"--from={part}-packages /packages/usr/local /usr/local",
        "--from=build /packages/usr/local /usr/local",
    ]
    packages = known[f"{part}-packages"]
    assert packages.all("COPY") == [f"requirements/{part}.txt requirements.txt"]
    (installed,) = packages.all("RUN")
    assert "--require-hashes" in installed
    assert installed.endswith("--root /packages --requirement requirements.txt")
    *_, wheel, placed = known["build"].all("RUN")
    assert wheel.endswith("--wheel-dir /dist .")
    assert "--no-index --no-deps" in wheel
    assert placed.endswith("--find-links /dist --root /packages chartly")
    assert "--no-index --no-deps" in placed


@pytest.mark.parametrize("path", sorted(set(FILES.values())), ids=lambda path: path.parent.name)
def test_what_compiles_modules_leaves_no_time_in_them(path):
    for stage in stages(path).values():
        assert not stage.all("RUN") or stage.words[0] == ("ARG", "SOURCE_DATE_EPOCH=315532800")


def test_what_two_files_build_alike_is_written_alike():
    """A builder then takes the wheel's stage of one file for that of the other."""
    builds = [stages(path)["build"] for path in sorted(set(FILES.values()))]
    assert builds[0] == builds[1]


@pytest.mark.parametrize("part", FILES)
def test_an_image_says_what_it_is(part):
    (labels,) = stages(FILES[part])[part].all("LABEL")
    named = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert named["title"] == f"chartly-{part}"
    assert named["licenses"] == PROJECT["license"]
    assert named.keys() == {"title", "description", "version", "revision", "licenses"}
    assert f"VERSION={PROJECT['version']}" in stages(FILES[part])[part].all("ARG")


@pytest.mark.parametrize("name", ["build", *FILES])
def test_a_lock_pins_every_distribution_by_hash(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for one in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[\w+\])?==\S+", one), one
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", one), one


def test_the_build_s_lock_is_that_of_the_environment():
    """What builds the wheel in an image is what built it here."""
    build, dev = (
        dict(
            re.findall(
                r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE
            )
        )
        for name in ("build.txt", "dev.txt")
    )
    assert "hatchling" in build
    assert build.items() <= dev.items()


@pytest.mark.parametrize("part", FILES)
def test_an_image_lacks_what_is_another_s(part):
    """INV-6: no client of the store beside the API's secret, and the other way round."""
    assert pinned(part) & LACKS[part] == set()


# Makes this environment look like the image: what the lock does not name is not there.
ALONE = """
import importlib, importlib.abc, json, sys
missing = set(json.loads(sys.argv[1]))
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["program", "--help"]
module = importlib.import_module(f"chartly_{%r}.__main__")
import pkgutil
for found in pkgutil.iter_modules(sys.modules[f"chartly_{%r}"].__path__):
    importlib.import_module(f"chartly_{%r}.{found.name}")
try:
    sys.exit(module.main())
except SystemExit as ended:
    sys.exit(ended.code)
"""


def absent(part):
    """Top-level modules of this environment that the image's lock does not bring."""
    there = {*pinned(part), "chartly"}
    found = importlib.metadata.packages_distributions()
    return sorted(
        module for module, names in found.items() if not {normal(one) for one in names} & there
    )


@pytest.mark.parametrize("part", FILES)
def test_a_program_starts_with_its_own_lock_alone(part):
    script = ALONE.replace("%r", part).replace(f"{{{part}}}", part)
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, json.dumps(absent(part))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"usage: chartly-{part}" in done.stdout


@pytest.mark.parametrize("part", FILES)
def test_the_check_sees_what_an_image_lacks(part):
    """The harness proves itself: without one of its own, the program does not start."""
    own = {"operator": "kopf", "connector": "httpx", "loader": "pyarrow"}[part]
    script = ALONE.replace("%r", part).replace(f"{{{part}}}", part)
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, json.dumps([*absent(part), own])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"No module named '{own}" in done.stderr


def test_only_what_an_image_is_made_of_is_sent_to_the_builder():
    text = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    lines = [one for one in text.splitlines() if one and not one.startswith("#")]
    assert lines[0] == "*"
    let_in = {one[1:] for one in lines if one.startswith("!")}
    copied = {
        word.partition("/")[0]
        for path in FILES.values()
        for one in stages(path).values()
        for rest in one.all("COPY")
        if not rest.startswith("--from=")
        for word in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / one).exists() for one in let_in)


def test_the_wheel_is_built_from_what_is_sent(tmp_path):
    """The command of the build stage, in a folder with the files that the builder gets."""
    source = tmp_path / "source"
    source.mkdir()
    command = next(
        rest for rest in stages(FILES["loader"])["build"].all("RUN") if " wheel " in rest
    )
    for one in stages(FILES["loader"])["build"].all("COPY"):
        for word in one.split()[:-1]:
            if (ROOT / word).is_dir():
                shutil.copytree(
                    ROOT / word, source / word, ignore=shutil.ignore_patterns("__pycache__")
                )
            elif "/" not in word:
                shutil.copy(ROOT / word, source)
    words = command.replace("/dist", str(tmp_path / "wheels")).split()[1:]
    subprocess.run([sys.executable, *words], cwd=source, check=True, capture_output=True)
    (wheel,) = (tmp_path / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        (scripts,) = [one for one in names if one.endswith("entry_points.txt")]
        text = opened.read(scripts).decode()
    for part in FILES:
        assert f"chartly-{part} = chartly_{part}.__main__:main" in text
        assert f"chartly_{part}/__main__.py" in names
