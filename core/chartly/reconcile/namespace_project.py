"""Which project a namespace is: its labels say, and the older of two with the same keeps it."""

from collections.abc import Sequence

from chartly.api.reference import Project, parse_project
from chartly.errors import Reason, SpecError
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import born, labels_of, name_of
from chartly.reconcile.obstacle import Obstacle, refuse, refused, wait


def project_of(namespace: Object | None, claimants: Sequence[Object]) -> Project | Obstacle:
    """The project of a namespace, or why it is none."""
    if namespace is None:
        return wait(Reason.NOT_A_PROJECT, f"the namespace belongs to no project; {_NEEDS}")
    name, labels = name_of(namespace), labels_of(namespace)
    if TENANT_LABEL not in labels or PROJECT_LABEL not in labels:
        return refuse(Reason.NOT_A_PROJECT, f"namespace {name!r} belongs to no project; {_NEEDS}")
    try:
        project = parse_project(f"{labels[TENANT_LABEL]}/{labels[PROJECT_LABEL]}")
    except SpecError as error:
        return refused(error)
    keeper = min((namespace, *claimants), key=born)
    if name_of(keeper) != name:
        return refuse(
            Reason.DUPLICATE_PROJECT,
            f"namespace {name!r}: project {project} is namespace "
            f"{name_of(keeper)!r}, which is older; give this one other labels",
        )
    return project


_NEEDS = (
    f"it needs the labels {TENANT_LABEL} and {PROJECT_LABEL}, "
    f"as `chartly project create TENANT/PROJECT` makes them"
)
