"""Prepares a workflow for a run: resolve, freeze, plan, check, composed here only.

Command line and operator prepare; runners thaw the frozen inputs (``chartly.plan.snapshot``), which
returns an equal plan.
"""

from dataclasses import dataclass

from chartly.api.reference import Project
from chartly.api.workflow import Workflow
from chartly.plan.catalog import Profiles
from chartly.plan.plan_check import check_plan
from chartly.plan.resolve import Resolution, resolve
from chartly.plan.runplan import FrozenProfile, RunPlan, run_plan
from chartly.plan.snapshot import Snapshot, freeze


@dataclass(frozen=True)
class FrozenWorkflow:
    """A workflow with its inputs fixed, and the plan of a run with them."""

    resolution: Resolution
    snapshot: Snapshot
    plan: RunPlan

    def check(self) -> None:
        """Compiles everything that a run would compile.

        Raises:
            SpecError: something cannot run, or is not served; names the profile and the field.
        """
        check_plan(self.resolution, self.plan)


def prepare(workflow: Workflow, profiles: Profiles, home: Project) -> FrozenWorkflow:
    """A workflow of the project ``home`` that can run.

    Raises:
        SpecError: it cannot run.
    """
    frozen = freeze_workflow(workflow, profiles, home)
    frozen.check()
    return frozen


def freeze_workflow(workflow: Workflow, profiles: Profiles, home: Project) -> FrozenWorkflow:
    """A workflow with its inputs fixed, without the checks of ``check``.

    Raises:
        SpecError: it does not resolve, or its steps do not fit together.
    """
    resolution = resolve(workflow, profiles, home)
    snapshot = freeze(resolution)
    with resolution.locating():
        plan = _plan(resolution, snapshot.digest)
    return FrozenWorkflow(resolution, snapshot, plan)


def _plan(resolution: Resolution, digest: str) -> RunPlan:
    """The plan that the snapshot would thaw into, from models that are parsed already."""
    profiles = {
        resolved.reference: FrozenProfile(
            resolved.reference, resolved.found_text, resolved.digest, resolved.profile.spec
        )
        for resolved in resolution.profiles
    }
    steps = [(step.type, step.stream, step.reference) for step in resolution.steps]
    return run_plan(resolution.project, digest, steps, profiles)
