"""Connector and loader as a Pod has them: two processes, one spool, a server for a store."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.harness import environment
from faults.plans import PLANS
from faults.tally import TALLY
from support.clickhouse_process import ADMIN, ClickHouse
from support.command import TOKEN
from support.loader_place import Place, snapshot
from support.loading import Changes
from support.profiles import HOME
from support.sales_api import HOST, SalesApi

_CHANGES: Changes = {
    "connector": {"spec.rateLimit.maxRequestsPerMinute": 100_000, "spec.retry.backoffMs": 1},
    **PLANS["playbook"],
}
_GIVE_UP = 60.0
Sides = dict[str, subprocess.Popen[bytes]]


@dataclass
class Pod:
    """The attempts of one run, in a folder of its own."""

    folder: Path
    server: ClickHouse
    api: SalesApi
    run: str
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.place = Place(self.folder, self.server, ADMIN, snapshot(_CHANGES), run=self.run)
        token = self.folder / "secrets" / "sales-http" / "token"
        token.parent.mkdir(parents=True)
        token.write_text(TOKEN + "\n", encoding="utf-8")
        trust = self.folder / "trust"
        trust.mkdir()
        shutil.copyfile(self.api.cacert, trust / "ca.crt")

    @contextmanager
    def attempt(self, grace: float = 30.0) -> Iterator[Sides]:
        """Both sides of an attempt; they are gone when the block ends.

        Args:
            grace: seconds that each waits for the other, who may be dead before it has come.
        """
        sides = {"connector": self._connector(grace), "loader": self._loader(grace)}
        try:
            yield sides
            for one in sides.values():
                one.wait(_GIVE_UP)
        finally:
            for one in sides.values():
                one.kill()
                one.wait()
        TALLY.kills += sum(one.returncode == -signal.SIGKILL for one in sides.values())

    def again(self) -> None:
        """Goes to the next attempt."""
        self.place = self.place.next()

    @property
    def told(self) -> Any:
        """The loader's termination message."""
        return self.place.told

    def _connector(self, grace: float) -> subprocess.Popen[bytes]:
        place = self.place
        return _started(
            "chartly_connector",
            *("--snapshot", place.snapshot, "--digest", place.frozen.digest),
            *("--project", HOME, "--spool", place.spool, "--peer-grace", grace),
            *("--secrets", self.folder / "secrets", "--trust", self.folder / "trust"),
            *("--connect-to", f"{HOST}:443=127.0.0.1:{self.api.port}"),
        )

    def _loader(self, grace: float) -> subprocess.Popen[bytes]:
        arguments = self.place.arguments("--peer-grace", str(grace))
        return _started("faults.eager", "chartly_loader", *arguments)


def _started(module: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
