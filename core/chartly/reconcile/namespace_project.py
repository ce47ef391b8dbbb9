"""Which project a namespace is: its labels name it, and of two with the same the older keeps it."""

from collections.abc import Sequence

from chartly.api.reference import Project, parse_project
from chartly.errors import Problem, Reason, SpecError
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import age_key, labels_of, name_of
from chartly.reconcile.obstacle import Obstacle, refuse, refused, wait


def project_of(namespace: Object | None, claimants: Sequence[Object]) -> Project | Obstacle:
    """The project of a namespace, or why it is none."""
    if namespace is None:
        why = f"the namespace belongs to no project; {_NEEDS}"
        return wait(Problem(why, Reason.NOT_A_PROJECT))
    name, labels = name_of(namespace), labels_of(namespace)
    if TENANT_LABEL not in labels or PROJECT_LABEL not in labels:
        why = f"namespace {name!r} belongs to no project; {_NEEDS}"
        return refuse(Problem(why, Reason.NOT_A_PROJECT))
    try:
        project = parse_project(f"{labels[TENANT_LABEL]}/{labels[PROJECT_LABEL]}")
    except SpecError as error:
        return refused(error)
    keeper = min((namespace, *claimants), key=age_key)
    if name_of(keeper) == name:
        return project
    why = (
        f"project {project} is namespace {name_of(keeper)!r}, which is older; "
        f"give this one other labels"
    )
    return refuse(Problem(why, Reason.DUPLICATE_PROJECT, object=f"namespace {name!r}"))


_NEEDS = (
    f"it needs the labels {TENANT_LABEL} and {PROJECT_LABEL}, "
    f"as `chartly project create TENANT/PROJECT` makes them"
)
