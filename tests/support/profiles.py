"""The playbook's files, and small changes to them."""

import copy
from functools import cache
from pathlib import Path
from typing import cast

from chartly.api.documents import Document, Json, parse_documents
from chartly.api.profile import Profile, parse_profile
from chartly.api.reference import Project
from chartly.api.workflow import Workflow, parse_workflow

ROOT = Path(__file__).parents[2]
PLAYBOOK = ROOT / "fixtures" / "playbook"
HOME = Project("tenant-demo", "proj-sales")


def document(path: Path) -> Document:
    return copy.deepcopy(_parsed(path))


@cache
def _parsed(path: Path) -> Document:
    # State machines ask for the playbook thousands of times.
    return parse_documents(path.read_text(encoding="utf-8"), path.name)[0]


def playbook_profile(kind: str) -> Document:
    return document(next((PLAYBOOK / "profiles").glob(f"{kind}-*.yaml")))


def playbook_profiles() -> list[Profile]:
    return [parse_profile(document(path)) for path in sorted((PLAYBOOK / "profiles").iterdir())]


def playbook_workflow() -> Document:
    return document(PLAYBOOK / "workflows" / "sales-onboard@1.0.0.yaml")


def changed(original: Document, path: str, value: Json = None, *, drop: bool = False) -> Document:
    """A copy of ``original`` with the value at a dotted path replaced or dropped."""
    content = copy.deepcopy(original.content)
    *parents, last = path.split(".")
    place: dict[str, Json] = content
    for part in parents:
        held = cast("list[Json] | dict[str, Json]", place)
        place = cast("dict[str, Json]", held[int(part)] if isinstance(held, list) else held[part])
    if drop:
        del place[last]
    elif isinstance(place, list):
        cast("list[Json]", place)[int(last)] = value
    else:
        place[last] = value
    return Document(original.source, original.line, content)


def workflow(original: Document | None = None) -> Workflow:
    return parse_workflow(original or playbook_workflow())
