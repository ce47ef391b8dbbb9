"""Resolves a Workflow of the cluster to frozen inputs, as the command line does with files."""

from dataclasses import dataclass

from chartly.api.connector import SecretRef
from chartly.api.reference import Project, Reference, parse_reference
from chartly.api.workflow import Workflow, parse_workflow
from chartly.errors import Reason, SpecError
from chartly.plan.prepare import FrozenWorkflow, prepare
from chartly.plan.snapshot import Snapshot
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import document_of
from chartly.reconcile.obstacle import Obstacle, refused
from chartly.reconcile.reachable_profiles import ReachableProfiles, UsableProfiles
from chartly.reconcile.readiness import unready


@dataclass(frozen=True)
class Resolved:
    """A workflow that could run now: what launching needs, and not the whole plan.

    Attributes:
        pins: what each reference resolved to, as in status.
        datasets: every dataset that the workflow writes.
        secret: where the API's credential is, if it needs one.
        references: those of its enabled steps.
    """

    project: Project
    snapshot: Snapshot
    pins: tuple[dict[str, str], ...]
    datasets: tuple[str, ...]
    secret: SecretRef | None
    references: tuple[Reference, ...]


def resolved(workflow: Object, home: Project, reachable: ReachableProfiles) -> Resolved | Obstacle:
    """Resolves, freezes and checks a workflow with the Profiles of its project and of global."""
    try:
        parsed = parse_workflow(document_of(workflow))
        return _resolved(prepare(parsed, UsableProfiles(reachable), home))
    except SpecError as error:
        if error.reason is not Reason.PROFILE_NOT_FOUND:
            return refused(error)
        return _unusable(parsed, home, reachable) or refused(error).awaited()


def _resolved(frozen: FrozenWorkflow) -> Resolved:
    plan = frozen.plan
    streams = (stream.storage.dataset for stream in plan.streams)
    queries = (query.spec.outputs.dataset for query in plan.analytics)
    return Resolved(
        project=plan.project,
        snapshot=frozen.snapshot,
        pins=tuple(
            {
                "reference": str(profile.reference),
                "foundIn": profile.found_text,
                "digest": profile.digest,
            }
            for profile in frozen.resolution.profiles
        ),
        datasets=(*streams, *queries),
        secret=plan.connector.auth.secret_ref,
        references=tuple(profile.reference for profile in frozen.resolution.profiles),
    )


def _unusable(workflow: Workflow, home: Project, reachable: ReachableProfiles) -> Obstacle | None:
    """Why no profile was resolved although the object exists: it is not usable, or not yet."""
    for step in workflow.steps:
        # Every reference parses: resolving parses all steps before it looks any of them up.
        reference = parse_reference(step.reference, home)
        for _, profile in reachable.named(reference.profile, reference.scope):
            if obstacle := unready(profile, "profile", "may not be used"):
                return obstacle
    return None
