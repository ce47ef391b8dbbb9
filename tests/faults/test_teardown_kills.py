"""``chartly teardown --yes`` killed anywhere, and called again until it is through."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from chartly_folder.state_folder import checkpoint_path
from chartly_store.audit_log import AuditLog, Checkpoint
from chartly_store.embedded import open_embedded
from chartly_store.project_store import ProjectStore
from faults.harness import environment
from faults.mortal import Moment
from faults.scale import FULL, chance, scaled
from faults.tally import TALLY
from support import profiles
from support.command import chartly, chartly_json, sales_folder
from support.refusing_engine import refuse
from support.sales_api import in_order, pages_of, sale, serving

WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
PROJECT = profiles.HOME
HOME = ("--project", str(PROJECT))
KEPT = {
    "__audit", "__datasets", "__attempts", "__ledger", "__published", "__epochs", "__format", "__state",
}  # fmt: skip
CALLS = 36
"""Calls of the engine that a whole teardown makes, about."""
SAID = {
    ("dataset.deleted", "sales-rollup-daily"),
    ("dataset.deleted", "sales-events"),
    *(("profile.deprecated", str(one.id)) for one in profiles.playbook_profiles()),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder whose workflow has run; nobody writes there."""
    path = tmp_path_factory.mktemp("ran")
    dataset = "  dataset: sales-events\n"
    edits = {STORAGE: (dataset, f"{dataset}  raw: {{enabled: true}}\n")}
    folder = sales_folder(path / "sales", edits)
    with serving(path, in_order(pages_of([sale(n) for n in range(6)], 2))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    return folder


def killed(folder, moment):
    """Whether a teardown was killed at a moment, and did not end before."""
    command = [sys.executable, "-m", "faults.command_process", *moment.words]
    done = subprocess.run(
        [*command, "-C", str(folder), "teardown", "sales", "--yes"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    TALLY.kills += done.returncode != 0
    return done.returncode != 0


def some_moments(moves):
    """As they come: each kill leaves less for the next to be killed in."""
    while True:
        number, when = moves.randrange(1, CALLS), moves.choice(("before", "within", "after"))
        yield Moment("kill", "", number, when, moves.choice((0, 0.001, 0.003)))


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", range(scaled(1, 12)))
def test_a_teardown_goes_on_where_it_was_cut_off(tmp_path, ran, case):
    """INV-9: everything is gone but what tells of it."""
    folder = tmp_path / "sales"
    shutil.copytree(ran, folder, symlinks=True)
    before = chartly_json(folder, "audit", "verify")
    moments = some_moments(chance("teardown", case))
    kills = 0
    while kills < 3 and killed(folder, next(moments)):
        kills += 1
    if kills == 3:
        outcome = chartly(folder, "teardown", "sales", "--yes")
        assert outcome.code == 0, outcome
    check_gone(folder)
    check_audit(folder, before)


@pytest.mark.parametrize("number", range(1, 8) if FULL else [4])
def test_what_was_done_and_not_recorded_is_recorded(tmp_path, ran, number):
    """INV-9: dead between a step and the event that tells of it."""
    folder = tmp_path / "sales"
    shutil.copytree(ran, folder, symlinks=True)
    assert killed(folder, Moment("kill", "insert __audit", number, "before"))
    assert chartly(folder, "teardown", "sales", "--yes").code == 0
    check_gone(folder)
    check_audit(folder, [])


@pytest.mark.parametrize("case", range(scaled(1, 8)))
def test_a_teardown_that_is_refused_anywhere_is_no_success(tmp_path, ran, case, monkeypatch):
    """INV-9: refused at a random call of the engine, killed at another, then called until done."""
    folder = tmp_path / "sales"
    shutil.copytree(ran, folder, symlinks=True)
    moves = chance("refused teardown", case)
    for pattern in moves.sample(
        ("^DROP TABLE", "^DROP VIEW", "^ALTER TABLE", "^insert __audit"), 2
    ):
        with monkeypatch.context() as patched:
            refuse(patched, pattern)
            outcome = chartly(folder, "--output", "json", "teardown", "sales", "--yes")
        assert (outcome.code, outcome.document["done"]) == (11, False)
        assert "failed" in [one["result"] for one in outcome.document["steps"]]
        killed(folder, Moment("kill", "", moves.randrange(1, CALLS), "before"))
        if not (folder / ".chartly" / "teardown").exists():
            break
    else:
        assert chartly(folder, "teardown", "sales", "--yes").code == 0
    check_gone(folder)
    check_audit(folder, [])


def check_gone(folder):
    TALLY.checks += 1
    assert not (folder / WORKFLOW).exists()
    assert not (folder / ".chartly" / "teardown").exists()
    texts = [one.read_text(encoding="utf-8") for one in (folder / "profiles").iterdir()]
    assert all("chartly.io/deprecated: " in text for text in texts)
    outcome = chartly(folder, *HOME, "query", "SELECT * FROM sales_events")
    said, _, there = outcome.err.strip().partition("; allowed are ")
    assert said.endswith("table sales_events is not there or may not be read")
    assert set(there.split(", ")) == KEPT
    for table in ("__datasets", "__published"):
        sql = f"SELECT count() AS n FROM {table}"
        assert chartly_json(folder, *HOME, "query", sql) == [{"n": 0}]


def check_audit(folder, before):
    after = {one["chain"]: one for one in chartly_json(folder, *HOME, "audit", "verify")}
    assert [one for one in after.values() if one["fault"]] == []
    assert all(after[one["chain"]]["entries"] >= one["entries"] for one in before)
    with closing(open_embedded(folder / ".chartly" / "store")) as engine:
        store = ProjectStore(engine, PROJECT)
        log = AuditLog(store, Checkpoint(checkpoint_path(folder / ".chartly", PROJECT)))
        entries = log.project_entries()
    events = [one.event for one in entries]
    said = {(one["type"], one["data"]["name"]) for one in events if "name" in one["data"]}
    assert said >= SAID
    # Taken up, the workflow is read from another file than its own.
    assert "workflow.deleted" in [one["type"] for one in events]
