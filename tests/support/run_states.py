"""The state table of a WorkflowRun, as docs/dev/run-states.md has it."""

import re
from dataclasses import dataclass

from chartly.reconcile.actions import Action, Create, Object
from support.profiles import ROOT

PAGE = ROOT / "docs" / "dev" / "run-states.md"
_ROW = re.compile(r"\| (\w+) \| ([^|]+) \| ([^|]+) \| (\w+) \| (\w+) \|")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    state: str
    event: str
    actions: tuple[str, ...]
    then: str
    reason: str


def rows() -> list[Row]:
    """Every row of the page's table."""
    return [
        Row(state, event.strip(), () if actions == "none" else tuple(actions.split(", ")), *after)
        for state, event, actions, *after in _ROW.findall(PAGE.read_text(encoding="utf-8"))
    ]


def state_of(run: Object) -> str:
    """The state that a run's status says."""
    status = run.get("status") or {}
    if status.get("outcome"):
        return "Finished"
    attempts = status.get("attempts") or ()
    if not attempts:
        return "Unlaunched"
    if "end" in attempts[-1]:
        return "Retrying"
    return "Running" if "uid" in attempts[-1] else "Launched"


def names(actions: tuple[Action, ...]) -> tuple[str, ...]:
    """What the table calls actions."""
    return tuple(
        f"Create {one.document['kind']}" if isinstance(one, Create) else type(one).__name__
        for one in actions
    )
