"""Loads over a server that fails, dies and comes back as it is told to."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from chartly.api.reference import Project
from chartly.errors import ChartlyError, Reason
from chartly.plan.runplan import RunPlan
from chartly_loader.load import load
from chartly_store.access import read_access
from chartly_store.server import Patience, ServerEngine
from faults.oracle import Oracle, Page, bodies_of
from faults.plans import plan_of
from faults.tally import TALLY
from support.clickhouse_process import ClickHouse, Serving, start_clickhouse
from support.loading import clock, nothing, request, resume, spool_pages

_PROJECTS = itertools.count()
_ANSWER_SECONDS = 1


class Store:
    """A server in a folder that outlives its processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server: ClickHouse = start_clickhouse(folder)

    def come_back(self) -> None:
        """Opens the door, and starts the server again if it was killed; a port stays its own."""
        try:
            self.server.open()
        except OSError:
            TALLY.kills += 1
        else:
            return
        self._reap()
        self.server = start_clickhouse(self._folder, how=Serving(port=self.server.port))

    def close(self) -> None:
        """Ends the server."""
        self.server.process.terminate()
        self._reap()

    def _reap(self) -> None:
        self.server.process.wait(20)
        assert self.server.process.stdout is not None
        self.server.process.stdout.close()

    @contextmanager
    def engine(self, sleep: Callable[[float], None]) -> Iterator[ServerEngine]:
        """A client that waits for an answer no longer than a test should."""
        secret = self.server.secret(self._folder / "secret")
        patience = Patience(sleep=sleep, attempts=3, answer_seconds=_ANSWER_SECONDS)
        with closing(ServerEngine(read_access(secret), patience)) as found:
            yield found


@dataclass
class Course:
    """The attempts of one run after the other, in a project of its own."""

    store: Store
    folder: Path
    run_id: str = "run-1"
    plan_name: str = "playbook"
    number: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    project: Project = field(
        default_factory=lambda: Project("tenant-faults", f"p-{next(_PROJECTS)}")
    )

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.plan, TALLY)

    @property
    def plan(self) -> RunPlan:
        return plan_of(self.plan_name, self.project)

    def attempt(
        self,
        pages: list[Page],
        arm: Callable[[], None] = lambda: None,
        *,
        patient: bool = True,
    ) -> tuple[Reason, str]:
        """The next attempt: how it ended, and why.

        Args:
            arm: called when the attempt is about to begin.
            patient: whether the store has come back before a statement is sent again.
        """
        self.number += 1
        plan = self.plan
        spool = self.folder / f"{self.run_id}-{self.number}"
        come_back = self.store.come_back if patient else lambda: None
        with self.store.engine(lambda _: come_back()) as engine:
            first = resume(engine, plan, self.run_id).next_page
            spool_pages(spool, bodies_of(pages), first)
            asked = replace(request(plan, spool, self.run_id, self.number), checkpoint=None)
            arm()
            try:
                result = load(asked, engine, nothing, clock)
            except ChartlyError as error:
                return error.reason, error.message
        self.counts = result.counts
        return result.reason, result.message

    def finish(self, pages: list[Page]) -> None:
        """An attempt that nothing disturbs, and everything compared."""
        reason, message = self.attempt(pages)
        assert reason is Reason.SUCCEEDED, message
        self.check(pages)

    def check(self, pages: list[Page]) -> None:
        """Everything that is stored now."""
        self.store.come_back()
        with self.store.engine(lambda _: None) as engine:
            self.oracle.check(engine, self.run_id, pages, self.counts)
