"""A domain beside the playbook's whose API pages by relative links, each against its own page."""

import json
from pathlib import Path
from typing import Any

import yaml

from support.sales_api import sale

WORKFLOW = "linked-onboard"
DATASET = "linked-sales"
LINKS = {
    "/v1/list": (0, "list/p2"),
    "/v1/list/p2": (1, "p3"),
    "/v1/list/p3": (2, None),
    "/v1/p3": (9, None),
}
"""By path: the record of the page and its link; the last one is where a lost base leads."""
RECORDS = [sale(number)["id"] for number in (0, 1, 2)]


def linked_pages() -> dict[str, str]:
    """What the API answers, by path."""
    return {
        path: json.dumps({"items": [sale(number)], **({"next": link} if link else {})})
        for path, (number, link) in LINKS.items()
    }


def linked_files(folder: Path) -> Path:
    """The domain's files, made of the playbook's in ``folder``, in a folder of their own."""
    there = folder.parent / "linked"
    there.mkdir()
    for path in sorted((folder / "profiles").iterdir()):
        if not path.name.startswith("analytics"):
            (there / path.name).write_text(_moved(path), encoding="utf-8")
    workflow = next((folder / "workflows").iterdir())
    (there / workflow.name).write_text(_moved(workflow), encoding="utf-8")
    return there


def _moved(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("sales-http-1", "linked-http-1"),
        ("sales-http@", "linked-http@"),
        ("  name: sales-http\n  version", "  name: linked-http\n  version"),
        ("sales-default", "linked-default"),
        ("sales-events", DATASET),
        ("sales-onboard", WORKFLOW),
    ):
        text = text.replace(old, new)
    document: dict[str, Any] = yaml.safe_load(text)
    spec = document["spec"]
    if "connector" in spec:
        spec["connector"]["transport"]["baseUrl"] += "/v1/list"
        spec["connector"]["pagination"] = {"mode": "nextUrl", "responseField": "next"}
        spec["connector"]["retry"] = {"maxAttempts": 2, "backoffMs": 100}
    if "steps" in spec:
        spec["steps"] = [one for one in spec["steps"] if one["type"] != "analytics_query"]
    return yaml.safe_dump(document)
