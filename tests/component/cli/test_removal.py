"""``teardown`` and ``deprecate``: in the playbook's order, taken up again after a kill."""

import pytest

from chartly_service import removal
from support.command import chartly, chartly_json, edit, sales_folder
from support.refusing_engine import SAYS, refuse
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
    act = removal._outcome
    left = len(KINDS)
    for survived in range(len(KINDS)):
        done = []

        def dies(step, record, limit=survived, done=done):
            if len(done) == limit:
                raise KeyboardInterrupt
            done.append(step)
            return act(step, record)

        monkeypatch.setattr(removal, "_outcome", dies)
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


def results(outcome):
    """What came of each step, by its kind and name."""
    steps = outcome.document["steps"]
    return {f"{one['kind']}: {one['name']}": one["result"] for one in steps}


def test_what_cannot_be_done_is_said_and_the_rest_of_its_kind_goes_on(folder):
    edit(folder / STORAGE, "metadata:", "metadata: # what it is")
    outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 3
    assert f"FAILED  profile (deprecate): {PROFILE} (" in outcome.out
    (told,) = outcome.errors
    assert told.startswith(f"error: ConfigInvalid: profile (deprecate): {PROFILE}: ")
    assert told.endswith("'torn down with workflow sales-onboard' by hand")
    assert "`chartly teardown sales-onboard --yes` goes on with what is left" in outcome.err
    connector = folder / STORAGE.replace("storage-sales-events", "connector-sales-http")
    assert "torn down" in connector.read_text()
    edit(folder / STORAGE, "metadata: # what it is", "metadata:")
    again = chartly(folder, "--output", "json", "teardown", "sales", "--yes")
    assert again.code == 0, again
    assert again.document["done"] is True
    assert results(again)[f"profile (deprecate): {PROFILE}"] == "removed"
    assert list(results(again).values()).count("absent") == len(KINDS) - 3


REFUSALS = [
    # what the store refuses, the step that fails for it, those that wait
    (r"^DROP VIEW .*`sales_rollup_daily`", "derived dataset: sales-rollup-daily", 5),
    (r"^DROP TABLE .*`sales_rollup_daily__data`", "derived dataset: sales-rollup-daily", 5),
    (r"^ALTER TABLE .*`__published`", "derived dataset: sales-rollup-daily", 5),
    (r"^DROP TABLE .*`sales_events__data`", "canonical dataset: sales-events", 4),
    (r"^DROP TABLE .*`sales_events__rejected`", "canonical dataset: sales-events", 4),
    (r"^ALTER TABLE .*`__datasets`", "derived dataset: sales-rollup-daily", 5),
    (r"^insert __audit", "workflow: workflows/sales-onboard@1.0.0.yaml", 6),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "step", "waiting"), REFUSALS)
def test_a_step_that_the_store_refuses_is_not_called_removed(
    ran, monkeypatch, pattern, step, waiting
):
    """Its reason is the command's; what comes after it waits; the next call takes it up."""
    refuse(monkeypatch, pattern)
    outcome = chartly(ran, "--output", "json", "teardown", "sales", "--yes")
    assert outcome.code == 11, outcome
    assert outcome.document["done"] is False
    found = results(outcome)
    assert found[step] == "failed"
    assert list(found.values()).count("waiting") == waiting
    failed = next(one for one in outcome.document["steps"] if one["result"] == "failed")
    assert (failed["reason"], failed["message"]) == (
        "StoreUnavailable",
        f"the store refused: {SAYS}",
    )
    text = chartly(ran, "teardown", "sales-onboard", "--yes")
    assert text.code == 11
    kind = failed["kind"]  # taken up, the workflow is known from the record
    assert f"FAILED  {kind}: " in text.out
    assert f"removed  {kind}: " not in text.out
    assert text.errors[0].startswith(f"error: StoreUnavailable: {kind}: ")
    assert text.errors[0].endswith(f": the store refused: {SAYS}")
    monkeypatch.undo()
    again = chartly(ran, "--output", "json", "teardown", "sales-onboard", "--yes")
    assert again.code == 0, again
    assert again.document["done"] is True
    assert set(results(again).values()) <= {"removed", "absent"}
    assert "sales_events" not in tables(ran)
    assert not (ran / ".chartly" / "teardown").exists()


def test_a_teardown_does_not_forget_that_of_another_workflow(folder):
    """One that failed is still there to be taken up after another one is through."""
    other = second_workflow(folder)
    only = [STORAGE, "profiles/connector-sales-http@1.0.0.yaml"]
    mine = folder / "profiles" / "storage-other-events@1.0.0.yaml"
    text = (folder / STORAGE).read_text().replace("sales-events", "other-events")
    mine.write_text(text.replace("metadata:", "metadata: # by hand"))
    edit(other, "storage/sales-events", "storage/other-events")
    other.write_text(other.read_text().partition("    - type: analytics_query")[0])
    begun = chartly(folder, "teardown", "sales-again", "--yes")
    assert begun.code == 3, begun
    assert not other.exists(), begun
    kept = chartly(folder, "teardown", "sales-onboard", "--yes")
    assert kept.code == 0, kept
    assert "(workflow sales-again@1.0.0 names it)" in kept.out
    assert "torn down" in (folder / only[0]).read_text()
    assert "torn down" not in (folder / only[1]).read_text(), "the other one still names it"
    edit(mine, "metadata: # by hand", "metadata:")
    again = chartly(folder, "teardown", "sales-again", "--yes")
    assert again.code == 0, again
    assert "torn down" in (folder / only[1]).read_text()
    assert not (folder / ".chartly" / "teardown").exists()


def test_a_record_of_a_teardown_that_cannot_be_read_is_said(folder):
    records = folder / ".chartly" / "teardown"
    records.mkdir(parents=True)
    (records / "x.json").write_text("{")
    outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 3
    assert ".chartly/teardown/x.json:1: column 2" in outcome.err
    assert (folder / WORKFLOW).exists()


def test_a_file_that_the_system_refuses_to_remove_is_a_failed_step(folder, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", denied)
        outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 3
    assert outcome.errors[0].endswith(f"{folder / WORKFLOW}: Permission denied")
    assert "waiting  profile (deprecate)" in outcome.out
    assert chartly(folder, "teardown", "sales", "--yes").code == 0


def test_teardown_of_a_project_for_which_nothing_was_stored(ran):
    """The store holds another project; this one has files alone."""
    edit(
        ran / "workflows/sales-onboard@1.0.0.yaml", "tenant-demo/proj-sales::connector", "connector"
    )
    path = ran / WORKFLOW
    path.write_text(path.read_text().replace("tenant-demo/proj-sales::", ""))
    home = ("--project", "tenant-demo/another")
    outcome = chartly(ran, *home, "--output", "json", "teardown", "sales", "--yes")
    assert outcome.code == 0, outcome
    assert [one["kind"] for one in outcome.document["steps"]] == [KINDS[0], *KINDS[3:]]


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
    same = chartly_json(ran, "deprecate", PROFILE, "--because", 'use "2.0.0" \\ later')
    assert same["recorded"] is True, "an event that could not be recorded is recorded now"
    again = chartly(ran, "deprecate", PROFILE, "--because", "again")
    assert (again.code, "by hand" in again.err) == (3, True)
    assert chartly(ran, "audit", "verify").code == 0


def test_what_the_store_cannot_record_is_recorded_by_the_next_deprecate(ran, monkeypatch):
    refuse(monkeypatch, "^insert __audit")
    refused = chartly(ran, "deprecate", PROFILE, "--because", "old")
    assert (refused.code, refused.out) == (11, "")
    monkeypatch.undo()
    before = {one["chain"]: one["entries"] for one in chartly_json(ran, "audit", "verify")}
    assert chartly_json(ran, "deprecate", PROFILE, "--because", "old")["recorded"] is True
    after = {one["chain"]: one["entries"] for one in chartly_json(ran, "audit", "verify")}
    assert sum(after.values()) == sum(before.values()) + 1


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
    document = chartly_json(ran, "teardown", "sales-again", "--yes")
    assert document["steps"] == [
        {"kind": "workflow", "name": "workflows/sales-again.yaml", "result": "removed"}
    ]
    assert {one["name"]: one["because"] for one in document["kept"]} == {
        "dataset: sales-rollup-daily": "workflow sales-onboard writes it",
        "dataset: sales-events": "workflow sales-onboard writes it",
        **{
            f"profile: {name}": "workflow sales-onboard@1.0.0 names it"
            for name in chartly_json(ran, "digest")
        },
    }
    assert not other.exists()
    assert chartly_json(ran, "query", "SELECT count() AS n FROM sales_events") == [{"n": 2}]


def test_a_file_that_holds_other_objects_is_not_removed(folder):
    path = folder / WORKFLOW
    profile = folder / STORAGE
    path.write_text(path.read_text() + "---\n" + profile.read_text())
    profile.unlink()
    outcome = chartly(folder, "teardown", "sales", "--yes")
    assert outcome.code == 3
    assert "holds other objects, too; take the workflow out of it by hand" in outcome.out
    assert "waiting  profile (deprecate): connector/sales-http@1.0.0 (until" in outcome.out
    assert path.exists()
    path.write_text(path.read_text().partition("---\n")[2])
    again = chartly(folder, "teardown", "sales", "--yes")
    assert again.code == 0, again
    assert "torn down" in path.read_text(), "the workflow is known from the record"
    assert not (folder / ".chartly" / "teardown").exists()


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
