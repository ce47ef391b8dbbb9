"""Checks the prerequisites of every run of a workspace."""

from chartly.errors import ChartlyError
from chartly_service.prerequisites import (
    Prerequisite,
    RunSite,
    object_prerequisites,
    query_prerequisites,
    workflow_prerequisites,
)
from chartly_service.validate import QueryCheck
from chartly_service.workspace import Workspace


def doctor(workspace: Workspace, site: RunSite, check_queries: QueryCheck) -> list[Prerequisite]:
    """Every prerequisite, once; those of workflows only where all files could be read."""
    checked = [*site.machine(), *site.store(), *object_prerequisites(workspace)]
    workflows = [] if workspace.problems else workspace.workflows
    for workflow in workflows:
        try:
            frozen = workspace.freeze(workflow)
        except ChartlyError as error:
            sentence = error.message
            checked.append(Prerequisite("plan", ok=False, sentence=sentence, reason=error.reason))
            continue
        checked += workflow_prerequisites(frozen, site)
        if all(prerequisite.ok for prerequisite in checked):
            checked += query_prerequisites(frozen, check_queries)
    return list(dict.fromkeys(checked))
