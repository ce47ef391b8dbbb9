"""The plans that loaders follow, by name, so that a process of its own can be told which."""

from chartly.api.documents import Json
from chartly.api.reference import Project
from chartly.plan.runplan import RunPlan
from support.loading import Changes, sales_plan
from support.profiles import HOME

KEPT: dict[str, Json] = {"spec.raw": {"enabled": True}}
"""Every plan keeps its pages, too."""
PLANS: dict[str, Changes] = {
    "playbook": {"storage": KEPT},
    "narrow": {"storage": {**KEPT, "spec.columns": {"amount": "Decimal(17, 2)"}}},
    # A new column, and more digits for one that is there.
    "wide": {
        "storage": {**KEPT, "spec.columns": {"amount": "Decimal(38, 2)"}},
        "normalizer": {"spec.mapping.channel": "$.channel"},
    },
    # Other partitions: the table is laid out anew.
    "monthly": {"storage": {**KEPT, "spec.partitioning.granularity": "month"}},
}


def plan_of(name: str, project: Project = HOME) -> RunPlan:
    """A plan of a project."""
    return sales_plan(project, PLANS[name])
