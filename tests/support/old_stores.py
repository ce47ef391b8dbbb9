"""Stores of older formats, as the versions that wrote them have left them."""

from itertools import count
from pathlib import Path

from chartly.api.reference import Project
from chartly_store.engine_port import Engine

_FORMAT_1 = Path(__file__).parents[1] / "component" / "store" / "format-1.sql"
_NUMBERS = count(1)


def format_1(engine: Engine, project: str) -> Project:
    """Makes a project of format 1 anew, under a name of its own.

    Args:
        project: ``sales`` (two finished runs; run-3 was cut off in its second attempt, with one
            page committed in the first and rows of two more; pages as received), ``versioned``
            (a ``versionField``) or ``timed_key`` (an instant in the identity).
    """
    name = f"{project.replace('_', '-')}-{next(_NUMBERS)}"
    database, renamed = f"tenant_old__{project}", f"tenant_old__{name.replace('-', '_')}"
    for statement in _FORMAT_1.read_text(encoding="utf-8").split(";\n"):
        if f"{database}." in statement or statement.endswith(database):
            engine.command(statement.strip().replace(database, renamed))
    return Project("tenant-old", name)
