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
    def fixtures(self) -> list[Fixture]:
        """The fixtures of the workflow, by name."""
        return fixtures_of(self.workspace.fixtures, self.frozen.resolution.workflow)

    def run(self) -> Trial:
        """Runs all fixtures twice.

        Raises:
            RunError: ``PrerequisiteMissing``: there are none.
        """
        if not self.fixtures:
            raise RunError(Reason.PREREQUISITE_MISSING, f"no fixtures in {self.workspace.fixtures}")
        first, second = map(_trial_run, run_twice(self.frozen, self.fixtures))
        return Trial(len(self.fixtures), first, second)

    def compare(self) -> list[ComparedGolden]:
        """Compares each with its golden."""
        return [self._compared(fixture) for fixture in self.fixtures]

    def _compared(self, fixture: Fixture) -> ComparedGolden:
        comparison = compare(fixture, self.frozen.plan)
        return ComparedGolden(
            fixture=fixture.name,
            golden=fixture.canonical.name,
            conforms=comparison.conforms,
            events=comparison.events,
            difference=comparison.difference,
        )


def _trial_run(result: LoadResult) -> TrialRun:
    return TrialRun(
        reason=result.reason,
        message=result.message,
        counts=result.counts,
        outputs={output.dataset: output.fingerprint for output in result.outputs},
        audited=result.audited,
        warnings=result.warnings,
    )
