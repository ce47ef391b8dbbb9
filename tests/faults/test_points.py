"""The page on faults names every point, and what comes of it."""

import re

import pytest

from faults.points import FULL_DISK, PAUSES, REBUILD_KILLS, SCHEMA_KILLS, STATEMENTS, STORE_FAULTS
from support.profiles import ROOT

ROWS = re.findall(
    r"^\| (.+) \|$", (ROOT / "docs" / "dev" / "faults.md").read_text(encoding="utf-8"), re.MULTILINE
)
SAID = [
    [cell.strip().strip("`") for cell in row.split(" | ")]
    for row in ROWS
    if not row.startswith("-")
]


def table(head):
    """The rows under a head, up to the next one."""
    at = next(place for place, row in enumerate(SAID) if row[0] == head)
    rows = []
    for row in SAID[at + 1 :]:
        if row[0] in HEADS:
            break
        rows.append(row)
    return rows


HEADS = (
    *("what dies", "statement", "fault", "it was stopped"),
    *("the loader dies", "the rebuild dies", "the disk is full"),
)


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("statement", [[one.name] for one in STATEMENTS]),
        ("it was stopped", [[one.name, one.outcome] for one in PAUSES]),
        ("the loader dies", [[name] for name, _, _ in SCHEMA_KILLS]),
        ("the rebuild dies", [[name] for name, *_ in REBUILD_KILLS]),
        ("the disk is full", [[one.name] for one in FULL_DISK]),
    ],
)
def test_every_point_is_described(head, wanted):
    assert table(head) == wanted


def test_every_fault_of_the_store_is_described():
    assert {row[0]: row[2] for row in table("fault")} == STORE_FAULTS
    assert all(row[1] for row in table("fault"))
