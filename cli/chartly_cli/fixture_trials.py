"""A workflow's fixtures, run and compared for use cases."""

from dataclasses import dataclass
from functools import cached_property

from chartly.errors import Reason, RunError
from chartly.plan.prepare import FrozenWorkflow
from chartly_cli.fixture_run import run_twice
from chartly_cli.fixtures import Fixture, compare, fixtures_of
from chartly_loader.load_request import LoadResult
from chartly_service.trial import ComparedGolden, Trial, TrialRun
from chartly_service.workspace import Workspace


@dataclass(frozen=True)
class WorkspaceTrials:
    """The fixtures of a workspace's workflow."""

    workspace: Workspace
    frozen: FrozenWorkflow

    @cached_property
    def _fixtures(self) -> list[Fixture]:
        return fixtures_of(self.workspace.fixtures, self.frozen.resolution.workflow)

    def run(self) -> Trial:
        """Runs all fixtures twice.

        Raises:
            RunError: ``PrerequisiteMissing``: there are none.
        """
        if not self._fixtures:
            raise RunError(Reason.PREREQUISITE_MISSING, f"no fixtures in {self.workspace.fixtures}")
        first, second = map(_trial_run, run_twice(self.frozen, self._fixtures))
        return Trial(len(self._fixtures), first, second)

    def compare(self) -> list[ComparedGolden]:
        """Compares each with its golden."""
        return [
            ComparedGolden(
                fixture.name, fixture.canonical.name, compare(fixture, self.frozen.plan).conforms
            )
            for fixture in self._fixtures
        ]


def _trial_run(result: LoadResult) -> TrialRun:
    outputs = {output.dataset: output.fingerprint for output in result.outputs}
    return TrialRun(result.reason, result.message, result.counts, outputs)
