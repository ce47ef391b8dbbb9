"""From objects of the cluster to frozen inputs: the same resolving as on a laptop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chartly.api.profile import parse_profile
from chartly.api.reference import Project, parse_reference
from chartly.api.workflow import Workflow, WrittenStep
from chartly.errors import Reason, SpecError, reason_told
from chartly.plan.catalog import Catalog
from chartly.plan.check import check_plan
from chartly.plan.resolve import resolve
from chartly.plan.runplan import RunPlan
from chartly.plan.snapshot import Snapshot, freeze, thaw
from chartly.reconcile.actions import Object
from chartly.reconcile.check import Obstacle, refuse, refused, wait
from chartly.reconcile.objects import (
    condition_of,
    document_of,
    generation_of,
    name_of,
)


@dataclass(frozen=True)
class Resolved:
    """A workflow that could run now.

    Attributes:
        pins: what each reference resolved to, as status tells it.
    """

    snapshot: Snapshot
    plan: RunPlan
    pins: tuple[dict[str, str], ...]

    @property
    def datasets(self) -> list[str]:
        """Every dataset that the workflow writes."""
        return [
            *(stream.storage.dataset for stream in self.plan.streams),
            *(query.spec.outputs.dataset for query in self.plan.analytics),
        ]


def resolved(
    workflow: Workflow, home: Project, profiles: Sequence[Object], shared: Sequence[Object]
) -> Resolved | Obstacle:
    """Resolves, freezes and checks a workflow with the Profiles of its project and of global."""
    names = set(_named(workflow.steps, home))
    own = [one for one in profiles if name_of(one) in names]
    others = [one for one in shared if name_of(one) in names]
    try:
        return _frozen(workflow, _catalog(home, own, others), home)
    except SpecError as error:
        if error.reason is not Reason.PROFILE_NOT_FOUND:
            return refused(error)
    unusable = _unusable((*own, *others))
    return unusable or _missing(workflow, _catalog(home, profiles, shared), home)


def _frozen(workflow: Workflow, catalog: Catalog, home: Project) -> Resolved:
    resolution = resolve(workflow, catalog, home)
    snapshot = freeze(resolution)
    plan = thaw(snapshot.content, snapshot.digest, home)
    check_plan(resolution, plan)
    pins = tuple(
        {"reference": str(one.reference), "foundIn": one.found_text, "digest": one.digest}
        for one in resolution.profiles
    )
    return Resolved(snapshot, plan, pins)


def _missing(workflow: Workflow, catalog: Catalog, home: Project) -> Resolved | Obstacle:
    """Why a profile is nowhere, when all are read: the sentence names the nearest one there is."""
    try:
        return _frozen(workflow, catalog, home)
    except SpecError as error:
        return wait(error.reason, error.message)


def _named(steps: Iterable[WrittenStep], home: Project) -> Iterable[str]:
    for step in steps:
        try:
            yield parse_reference(step.reference, home).profile.object_name
        except SpecError:
            continue  # resolve() tells it, with the step's place


def _catalog(home: Project, own: Sequence[Object], others: Sequence[Object]) -> Catalog:
    return Catalog(
        (scope, parse_profile(document_of(one)))
        for scope, found in ((home, own), (None, others))
        for one in found
        if _is_ready(one)
    )


def _is_ready(profile: Object) -> bool:
    ready = condition_of(profile, "Ready")
    current = ready is not None and ready["observedGeneration"] == generation_of(profile)
    return ready is not None and current and ready["status"] == "True"


def _unusable(named: Iterable[Object]) -> Obstacle | None:
    """Why a profile that is there was not found: it may not be used, or not yet."""
    for one in named:
        ready = condition_of(one, "Ready")
        if ready is None or ready["observedGeneration"] != generation_of(one):
            return wait(Reason.CHECKING, f"profile {name_of(one)!r} is not checked yet")
        if ready["status"] != "True":
            reason, message = reason_told(ready["reason"], ready["message"])
            return refuse(reason, f"profile {name_of(one)!r} may not be used: {message}")
    return None
