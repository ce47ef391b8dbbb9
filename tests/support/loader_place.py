"""The folder of a loader's container: inputs, spool, Secret, arguments; and what came of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chartly.api.profile import parse_profile
from chartly.api.reference import Project
from chartly.names import database
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import resolve
from chartly.plan.runplan import RunPlan
from chartly.plan.snapshot import Snapshot, freeze, thaw
from chartly_store.attempts import Attempts
from chartly_store.engine_port import Engine
from chartly_store.project_store import ProjectStore
from support.clickhouse_access import User
from support.clickhouse_process import ClickHouse
from support.loading import FROZEN_AT, WORKFLOW, Changes
from support.profiles import HOME, changed, playbook_profile, workflow
from support.two_pages import COUNTS, DAYS, EVENTS, stored

LOADER_USER = User("loader", "canary-loader-83aa", (database(HOME.tenant, HOME.project),))


def snapshot(changes: Changes = MappingProxyType({})) -> Snapshot:
    """The playbook's frozen inputs.

    Args:
        changes: for each kind of profile, values at dotted paths.
    """
    profiles = []
    for kind in ("connector", "normalizer", "storage", "analytics"):
        source = playbook_profile(kind)
        for path, value in changes.get(kind, {}).items():
            source = changed(source, path, value)
        profiles.append((HOME, parse_profile(source)))
    return freeze(resolve(workflow(), Catalog(profiles), HOME))


@dataclass
class Place:
    """One attempt of a run of the playbook's project."""

    path: Path
    server: ClickHouse
    user: User
    frozen: Snapshot = field(default_factory=snapshot)
    workflow: str = WORKFLOW
    run: str = "sales-7f3k2.0a1b2c3d"
    attempt: int = 1

    def __post_init__(self) -> None:
        self.spool.mkdir(parents=True, exist_ok=True)
        self.snapshot.write_bytes(self.frozen.content)
        self.server.secret(self.secret, self.user)

    @property
    def spool(self) -> Path:
        return self.path / f"spool-{self.attempt}"

    @property
    def snapshot(self) -> Path:
        return self.path / "snapshot.json"

    @property
    def secret(self) -> Path:
        return self.path / "store"

    @property
    def plan(self) -> RunPlan:
        return thaw(self.frozen.content, self.frozen.digest, HOME)

    @property
    def project(self) -> Project:
        return HOME

    def next(self) -> "Place":
        """The place of the run's next attempt."""
        parts = (self.path, self.server, self.user, self.frozen, self.workflow, self.run)
        return Place(*parts, self.attempt + 1)

    def arguments(self, *more: str) -> list[str]:
        """What the Job gives to the container."""
        return [
            *("--snapshot", str(self.snapshot), "--digest", self.frozen.digest),
            *("--project", str(HOME), "--spool", str(self.spool), "--store", str(self.secret)),
            *("--workflow", self.workflow, "--workflow-version", "1.0.0", "--run", self.run),
            *("--attempt", str(self.attempt), "--run-digest", "sha256:run"),
            *("--frozen-at", FROZEN_AT.isoformat(), "--peer-grace", "20"),
            *("--termination-log", str(self.path / f"termination-{self.attempt}"), *more),
        ]

    @property
    def told(self) -> Any:
        """The termination message."""
        text = (self.path / f"termination-{self.attempt}").read_text(encoding="utf-8")
        assert len(text.encode()) <= 4096
        return json.loads(text)

    def without_secret(self, *texts: str) -> None:
        """INV-6: the password stands in its own file and nowhere else."""
        for file in self.path.rglob("*"):
            if file.is_file() and file != self.secret / "password":
                assert self.user.password.encode() not in file.read_bytes(), file
        assert [text for text in texts if self.user.password in text] == []


@contextmanager
def running(
    module: str, arguments: Sequence[str], more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[subprocess.Popen[str]]:
    """A runner as a process of its own; it is gone when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **more},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def lines(err: str) -> list[Any]:
    """The log: JSON objects, one a line, and nothing else."""
    return [json.loads(line) for line in err.splitlines()]


def exact(engine: Engine, place: Place) -> None:
    """INV-4: of ``support.two_pages``, every row once."""
    counts = {name: place.told["counts"][name] for name in COUNTS}
    assert counts == COUNTS, counts
    found = stored(engine, HOME)
    assert found == (EVENTS, DAYS), found


def recorded(engine: Engine, place: Place) -> list[tuple[int, str, str]]:
    """The attempts of the run, the newest first: number, state, reason."""
    found = Attempts(ProjectStore(engine, HOME)).of_run(place.run)
    return [(one.attempt, one.state, one.reason) for one in found]
