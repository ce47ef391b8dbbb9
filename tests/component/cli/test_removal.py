"""``teardown`` and ``deprecate``: in the playbook's order, taken up again after a kill."""

import pytest

from chartly_cli.commands import teardown as module
from support.command import chartly, chartly_json, edit, sales_folder
from support.sales_api import in_order, pages_of, sale, serving

STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
PROFILE = "storage/sales-events@1.0.0"
KINDS = [
    "workflow",
    "derived dataset",
    "canonical dataset",
    "profile (deprecate)",
    "profile (deprecate)",
    "profile (deprecate)",
    "profile (deprecate)",
]


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


@pytest.fixture
def ran(tmp_path, folder):
    with serving(tmp_path, in_order(pages_of([sale(1), sale(2)], 2))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    return folder


def tables(folder):
    """The tables of the project; the workflow is not asked, since it may be gone."""
    home = ("--project", "tenant-demo/proj-sales")
    outcome = chartly(folder, *home, "query", "SELECT * FROM nothing_at_all")
    return outcome.err


def test_without_yes_nothing_is_changed(ran):
    before = {path: path.read_bytes() for path in ran.rglob("*.yaml")}
    document = chartly_json(ran, "teardown", "sales")
    assert document["done"] is False
    assert [one["kind"] for one in document["steps"]] == KINDS
    assert "nothing was changed; --yes does it" in chartly(ran, "teardown", "sales").out
    assert {path: path.read_bytes() for path in ran.rglob("*.yaml")} == before
    assert chartly_json(ran, "query", "SELECT count() AS n FROM sales_events") == [{"n": 2}]


def test_teardown_follows_the_playbook_and_keeps_the_audit_trail(ran):
    """INV-9: teardown keeps every audit entry."""
    audited = {one["chain"]: one["entries"] for one in chartly_json(ran, "audit", "verify")}
    digests = chartly_json(ran, "digest")
    outcome = chartly(ran, "teardown", "sales", "--yes")
    assert outcome.code == 0, outcome
    assert "kept  audit logs, ledger and attempts" in outcome.out
    assert not (ran / WORKFLOW).exists()
    said = tables(ran)
    assert "__audit" in said
    assert "__attempts" in said
    assert "sales_events" not in said
    assert "sales_rollup_daily" not in said
    assert chartly_json(ran, "digest") == digests, "a deprecated profile keeps its digest"
    for path in (ran / "profiles").iterdir():
        assert "torn down with workflow sales-onboard" in path.read_text()
    home = ("--project", "tenant-demo/proj-sales")
    after = {one["chain"]: one["entries"] for one in chartly_json(ran, *home, "audit", "verify")}
    project = next(name for name in audited if "sales-onboard" not in name)
    runs = {name: count for name, count in audited.items() if name != project}
    assert runs.items() <= after.items()
    assert after[project] == audited[project] + len(KINDS)


def test_a_teardown_that_was_cut_off_anywhere_is_taken_up(ran, monkeypatch):
    """Killed after each step in turn, and run again, until it is through."""
    act = module._do
    left = len(KINDS)
    for survived in range(len(KINDS)):
        done = []

        def dies(step, found, frozen, limit=survived, done=done):
            if len(done) == limit:
                raise KeyboardInterrupt
            done.append(step)
            return act(step, found, frozen)

        monkeypatch.setattr(module, "_do", dies)
        outcome = chartly(ran, "teardown", "sales", "--yes")
        if outcome.code == 0:
            left = 0
            break
        assert outcome.code == 30, outcome
    monkeypatch.undo()
    if left:
        outcome = chartly(ran, "teardown", "sales", "--yes")
        assert outcome.code == 0, outcome
    assert not (ran / WORKFLOW).exists()
    assert not (ran / ".chartly" / "teardown").exists()
    assert "sales_events" not in tables(ran)
    for path in (ran / "profiles").iterdir():
        assert path.read_text().count("chartly.io/deprecated") == 1
    home = ("--project", "tenant-demo/proj-sales")
    assert chartly(ran, *home, "audit", "verify").code == 0
    gone = chartly(ran, "teardown", "sales", "--yes")
    assert (gone.code, "is not in" in gone.err) == (3, True)


def test_teardown_where_nothing_ran_removes_files_alone(folder):
    document = chartly_json(folder, "teardown", "sales", "--yes")
    assert [one["kind"] for one in document["steps"]] == [KINDS[0], *KINDS[3:]]
    assert not (folder / WORKFLOW).exists()


def test_what_cannot_be_done_is_said_and_the_rest_goes_on(folder):
    edit(folder / STORAGE, "metadata:", "metadata: # what it is")
    outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 0
    assert "storage/sales-events@1.0.0 (not done: " in outcome.out
    assert "by hand" in outcome.out
    assert (
        "torn down"
        in (folder / STORAGE.replace("storage-sales-events", "connector-sales-http")).read_text()
    )


def test_deprecate_adds_one_line_and_keeps_the_digest(ran):
    before = (ran / STORAGE).read_text().splitlines()
    digest = chartly_json(ran, "digest")
    outcome = chartly(ran, "deprecate", PROFILE, "--because", 'use "2.0.0" \\ later')
    assert outcome.code == 0, outcome
    after = (ran / STORAGE).read_text().splitlines()
    added = [line for line in after if line not in before]
    assert added == ['  annotations: {chartly.io/deprecated: "use \\"2.0.0\\" \\\\ later"}']
    assert [line for line in after if line in before] == before
    assert chartly_json(ran, "digest") == digest
    again = chartly(ran, "deprecate", PROFILE, "--because", "again")
    assert (again.code, "by hand" in again.err) == (3, True)
    assert chartly(ran, "audit", "verify").code == 0


def test_deprecate_without_a_store_only_edits_the_file(folder):
    assert (
        chartly(folder, "deprecate", f"tenant-demo/proj-sales::{PROFILE}", "--because", "old").code
        == 0
    )
    assert not (folder / ".chartly" / "store").exists()


def second_workflow(folder, name="sales-again"):
    text = (folder / WORKFLOW).read_text().replace("sales-onboard", name)
    path = folder / "workflows" / f"{name}.yaml"
    path.write_text(text)
    return path


def test_what_another_workflow_wrote_or_still_uses_is_left_alone(ran):
    """Non-destructive: a workflow that names the datasets of another cannot drop them."""
    other = second_workflow(ran)
    steps = chartly_json(ran, "teardown", "sales-again", "--yes")["steps"]
    assert steps == [{"kind": "workflow", "name": "workflows/sales-again.yaml"}]
    assert not other.exists()
    assert chartly_json(ran, "query", "SELECT count() AS n FROM sales_events") == [{"n": 2}]


def test_a_file_that_holds_other_objects_is_not_removed(folder):
    path = folder / WORKFLOW
    profile = folder / STORAGE
    path.write_text(path.read_text() + "---\n" + profile.read_text())
    profile.unlink()
    outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 0
    assert "holds other objects, too; take the workflow out of it by hand" in outcome.out
    assert path.exists()


def test_rejects_of_a_workflow_that_has_not_run_or_not_come_far(tmp_path, ran):
    second_workflow(ran)
    outcome = chartly(ran, "rejects", "sales-again")
    assert outcome.code == 3
    assert outcome.errors == [
        "error: PrerequisiteMissing: workflow 'sales-again' has not run yet; run it first"
    ]
    with serving(tmp_path, in_order(pages_of([sale(1)], 1))) as api:
        refused = chartly(ran, "run", "sales-again", *api.options)
    assert refused.code == 3, refused
    assert (
        "error: DatasetInUse: dataset 'sales-events' is written by workflow 'sales-onboard'"
        in refused.err
    )
    assert ": no rejects" in chartly(ran, "rejects", "sales-again").out
