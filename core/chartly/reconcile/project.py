"""Which project a namespace is: its labels say, and the older of two with the same keeps it."""

from collections.abc import Sequence

from chartly.api.reference import Project, parse_project
from chartly.errors import Reason, SpecError
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import born, labels_of, name_of


def project_of(namespace: Object | None, claimants: Sequence[Object]) -> Project:
    """The project of a namespace.

    Raises:
        SpecError: ``NotAProject`` or ``DuplicateProject``.
    """
    labels = {} if namespace is None else labels_of(namespace)
    if namespace is None or TENANT_LABEL not in labels or PROJECT_LABEL not in labels:
        where = "the namespace" if namespace is None else f"namespace {name_of(namespace)!r}"
        raise SpecError(
            f"{where} belongs to no project; it needs the labels {TENANT_LABEL} and "
            f"{PROJECT_LABEL}, as `chartly project create TENANT/PROJECT` makes them",
            Reason.NOT_A_PROJECT,
        )
    project = parse_project(f"{labels[TENANT_LABEL]}/{labels[PROJECT_LABEL]}")
    keeper = min((namespace, *claimants), key=born)
    if name_of(keeper) != name_of(namespace):
        raise SpecError(
            f"namespace {name_of(namespace)!r}: project {project} is namespace "
            f"{name_of(keeper)!r}, which is older; give this one other labels",
            Reason.DUPLICATE_PROJECT,
        )
    return project
