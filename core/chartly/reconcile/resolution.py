"""From objects of the cluster to frozen inputs: the same resolving as on a laptop."""

from dataclasses import dataclass

from chartly.api.connector import SecretRef
from chartly.api.reference import Project, Reference, parse_reference
from chartly.api.workflow import Workflow, parse_workflow
from chartly.errors import Reason, SpecError, recorded_reason
from chartly.plan.prepare import FrozenWorkflow, prepare
from chartly.plan.snapshot import Snapshot
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, document_of, generation_of, name_of
from chartly.reconcile.obstacle import Obstacle, refuse, refused, wait
from chartly.reconcile.profiles import Shelf, UsableProfiles


@dataclass(frozen=True)
class Resolved:
    """A workflow that could run now: what launching it takes, and not the whole plan.

    Attributes:
        pins: what each reference resolved to, as status tells it.
        datasets: every dataset that the workflow writes.
        secret: where the API's credential is, if it takes one.
        named: the references of its enabled steps.
    """

    project: Project
    snapshot: Snapshot
    pins: tuple[dict[str, str], ...]
    datasets: tuple[str, ...]
    secret: SecretRef | None
    named: tuple[Reference, ...]


def resolved(workflow: Object, home: Project, shelf: Shelf) -> Resolved | Obstacle:
    """Resolves, freezes and checks a workflow with the Profiles of its project and of global."""
    try:
        parsed = parse_workflow(document_of(workflow))
        return _resolved(prepare(parsed, UsableProfiles(shelf), home))
    except SpecError as error:
        if error.reason is not Reason.PROFILE_NOT_FOUND:
            return refused(error)
        return _unusable(parsed, home, shelf) or wait(error.reason, error.message)


def _resolved(frozen: FrozenWorkflow) -> Resolved:
    plan = frozen.plan
    streams = (stream.storage.dataset for stream in plan.streams)
    queries = (query.spec.outputs.dataset for query in plan.analytics)
    return Resolved(
        project=plan.project,
        snapshot=frozen.snapshot,
        pins=tuple(
            {"reference": str(one.reference), "foundIn": one.found_text, "digest": one.digest}
            for one in frozen.resolution.profiles
        ),
        datasets=(*streams, *queries),
        secret=plan.connector.auth.secret_ref,
        named=tuple(one.reference for one in frozen.resolution.profiles),
    )


def _unusable(workflow: Workflow, home: Project, shelf: Shelf) -> Obstacle | None:
    """Why a profile that is there was not found: it may not be used, or not yet."""
    for step in workflow.steps:
        # Whatever is looked up was parsed, each step before any of them.
        reference = parse_reference(step.reference, home)
        for _, profile in shelf.named(reference.profile, reference.scope):
            if obstacle := _in_the_way(profile):
                return obstacle
    return None


def _in_the_way(profile: Object) -> Obstacle | None:
    ready = condition_of(profile, "Ready")
    if ready is None or ready["observedGeneration"] != generation_of(profile):
        return wait(Reason.CHECKING, f"profile {name_of(profile)!r} is not checked yet")
    if ready["status"] != "True":
        reason, message = recorded_reason(ready["reason"], ready["message"])
        return refuse(reason, f"profile {name_of(profile)!r} may not be used: {message}")
    return None
