"""The engine that queries are checked by."""

from chartly.plan.runplan import RunPlan


def check_queries(plan: RunPlan) -> None:
    """Runs the queries of a plan over no rows.

    Raises:
        SpecError: an engine refuses a query.
    """
    from chartly_store.explanation import check_explained  # noqa: PLC0415 - costs 0.4 s

    check_explained(plan)
