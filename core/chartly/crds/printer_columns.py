"""What ``kubectl get`` shows of each kind."""

from typing import TypeAlias

Column: TypeAlias = dict[str, str | int]
_AGE: Column = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def _shown(name: str, path: str, kind: str = "string") -> Column:
    return {"name": name, "type": kind, "jsonPath": path}


def _wide(name: str, path: str, kind: str = "string") -> Column:
    return {**_shown(name, path, kind), "priority": 1}


def _condition(name: str, kind: str, part: str = "status") -> Column:
    return _shown(name, f'.status.conditions[?(@.type=="{kind}")].{part}')


PROFILE_COLUMNS: tuple[Column, ...] = (
    _shown("Kind", ".spec.kind"),
    _shown("Name", ".spec.name"),
    _shown("Version", ".spec.version"),
    _condition("Ready", "Ready"),
    _condition("Reason", "Ready", "reason"),
    _wide("Digest", ".status.digest"),
    _AGE,
)
WORKFLOW_COLUMNS: tuple[Column, ...] = (
    _shown("Version", ".spec.version"),
    _condition("Ready", "Ready"),
    _condition("Reason", "Ready", "reason"),
    _wide("Suspended", ".spec.suspend", "boolean"),
    _AGE,
)
RUN_COLUMNS: tuple[Column, ...] = (
    _shown("Workflow", ".spec.workflowRef.name"),
    _condition("Succeeded", "Succeeded"),
    _condition("Reason", "Succeeded", "reason"),
    _shown("Attempt", ".status.attempts[-1:].number", "integer"),
    _shown("Read", ".status.result.read", "integer"),
    _shown("Loaded", ".status.result.loaded", "integer"),
    _shown("Started", ".status.frozenAt", "date"),
    _AGE,
    _wide("Rejected", ".status.result.rejected", "integer"),
    {**_condition("Audited", "Audited"), "priority": 1},
)
