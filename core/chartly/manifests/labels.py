"""Labels of the objects that the operator creates; none is copied from users' objects."""

from chartly.names import (
    ATTEMPT_LABEL,
    CONFIG_LABEL,
    MANAGED_BY,
    OURS,
    RUN_LABEL,
    RUN_UID_LABEL,
    WORKFLOW_LABEL,
)


def config_labels(content: str) -> dict[str, str]:
    """Labels of a ConfigMap of ours; ``content`` is ``snapshot`` or ``versions``."""
    return {MANAGED_BY: OURS, CONFIG_LABEL: content}


def attempt_labels(run: str, run_uid: str, workflow: str, attempt: int) -> dict[str, str]:
    """Labels of an attempt's Job and Pod."""
    return {
        MANAGED_BY: OURS,
        RUN_LABEL: run,
        RUN_UID_LABEL: run_uid,
        WORKFLOW_LABEL: workflow,
        ATTEMPT_LABEL: str(attempt),
    }
