"""The columns that ``kubectl get`` prints for each kind."""

from typing import TypeAlias

Column: TypeAlias = dict[str, str | int]
_AGE: Column = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def _column(name: str, path: str, kind: str = "string") -> Column:
    return {"name": name, "type": kind, "jsonPath": path}


def _wide_column(name: str, path: str, kind: str = "string") -> Column:
    return {**_column(name, path, kind), "priority": 1}


def _condition_column(name: str, kind: str, part: str = "status") -> Column:
    return _column(name, f'.status.conditions[?(@.type=="{kind}")].{part}')


PROFILE_COLUMNS: tuple[Column, ...] = (
    _column("Kind", ".spec.kind"),
    _column("Name", ".spec.name"),
    _column("Version", ".spec.version"),
    _condition_column("Ready", "Ready"),
    _condition_column("Reason", "Ready", "reason"),
    _wide_column("Digest", ".status.digest"),
    _AGE,
)
WORKFLOW_COLUMNS: tuple[Column, ...] = (
    _column("Version", ".spec.version"),
    _condition_column("Ready", "Ready"),
    _condition_column("Reason", "Ready", "reason"),
    _wide_column("Suspended", ".spec.suspend", "boolean"),
    _AGE,
)
RUN_COLUMNS: tuple[Column, ...] = (
    _column("Workflow", ".spec.workflowRef.name"),
    _condition_column("Succeeded", "Succeeded"),
    _condition_column("Reason", "Succeeded", "reason"),
    _column("Attempt", ".status.attempts[-1:].number", "integer"),
    _column("Read", ".status.result.read", "integer"),
    _column("Loaded", ".status.result.loaded", "integer"),
    _column("Started", ".status.frozenAt", "date"),
    _AGE,
    _wide_column("Rejected", ".status.result.rejected", "integer"),
    {**_condition_column("Audited", "Audited"), "priority": 1},
)
