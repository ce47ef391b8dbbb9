"""``chartly validate FILE`` refuses what kubectl refuses: any place, either spelling, alone.

The same cases go to a real API server in tests/contract/test_crd_sentences.py.
"""

import json
import re
import shutil

import pytest

from support.command import chartly, edit, sales_folder
from support.custom_resources import cli_says, playbook_of, resource, single_quoted
from support.profiles import changed
from support.resource_cases import LONGER, NO, SAME, TAKEN

WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
STORAGE = "profiles/storage-sales-events@1.0.0.yaml"


def written(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "object.yaml"
    path.write_text(json.dumps(content))
    return path


def document(name, field, value):
    return changed(resource(name), field, None if value is NO else value, drop=value is NO)


def test_the_start_of_every_case_is_valid():
    for name in ("connector", "normalizer", "storage", "analytics", "workflow", "run"):
        assert cli_says(resource(name)) == ()


@pytest.mark.parametrize(("name", "field", "value", "says"), SAME)
def test_a_file_is_refused_with_the_sentence(tmp_path, name, field, value, says):
    """INV-10."""
    bad = document(name, field, value)
    for content in filter(None, (bad.content, playbook_of(bad.content))):
        outcome = chartly(tmp_path, "validate", str(written(tmp_path, content)))
        assert outcome.code == 3, outcome
        assert any(single_quoted(one).endswith(says) for one in outcome.errors), outcome.errors
        lines = re.compile(r"error: (ConfigInvalid|NotServed): object\.yaml:1: ")
        assert all(lines.match(one) for one in outcome.errors)


@pytest.mark.parametrize(("name", "field", "value", "core"), LONGER)
def test_a_file_is_refused_in_words_with_the_core(name, field, value, core):
    assert any(core in one for one in cli_says(document(name, field, value)))


@pytest.mark.parametrize(("name", "field", "value"), TAKEN)
def test_a_file_is_taken(name, field, value):
    assert cli_says(document(name, field, value)) == ()


def test_every_wrong_step_is_told_at_once(tmp_path):
    steps = [
        {"type": "connector_sync", "connector_id": "a/b::connector/c@latest"},
        {"type": "normalize", "profile": "a/b::storage/c@1.0.0"},
        {"type": "write_dataset", "dataset_id": "a/b/c::storage/c@1.0.0"},
    ]
    bad = changed(resource("workflow"), "spec.steps", steps)
    outcome = chartly(tmp_path, "validate", str(written(tmp_path, bad.content)))
    assert [one.partition("steps[")[2][:1] for one in outcome.errors] == ["0", "1", "2"]


@pytest.mark.parametrize("spelling", ["custom resource", "playbook"])
def test_the_verdict_does_not_depend_on_the_place(tmp_path, spelling):
    """Alone in a folder, beside its profiles, or named from elsewhere."""
    bad = changed(
        resource("workflow"), "spec.steps.0.connector_profile", "a/b::connector/c@latest"
    ).content
    content = bad if spelling == "custom resource" else playbook_of(bad)
    folder = sales_folder(tmp_path / "sales")
    alone, beside = written(tmp_path / "alone", content), written(folder / "workflows", content)
    for place, path in ((tmp_path, alone), (folder, alone), (tmp_path, beside), (folder, beside)):
        outcome = chartly(place, "validate", str(path))
        assert outcome.code == 3, place
        assert "version 'latest'" in outcome.err


def test_what_was_not_checked_is_said(tmp_path):
    """References to profiles that are in none of the files."""
    folder = sales_folder(tmp_path / "sales")
    file = folder / WORKFLOW
    outcome = chartly(tmp_path, "validate", str(file))
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "1 object is valid"
    assert lines[1].startswith("not checked: sales/workflows/sales-onboard@1.0.0.yaml: workflow ")
    assert lines[1].endswith(
        "profile 'tenant-demo/proj-sales::connector/sales-http@1.0.0' is not in the named files or the folder"
    )
    assert len(lines) == 5
    told = chartly(tmp_path, "--output", "json", "validate", str(file)).document
    assert (told["checked"], told["problems"], len(told["unchecked"])) == (1, [], 4)


def test_profiles_that_are_at_hand_are_checked_against(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    for place, files in (
        (folder, [folder / WORKFLOW]),
        (tmp_path, [*(folder / "profiles").iterdir(), folder / WORKFLOW]),
    ):
        outcome = chartly(place, "validate", *map(str, files))
        told = "1 object is valid" if len(files) == 1 else f"{len(files)} objects are valid"
        assert (outcome.code, outcome.out) == (0, f"{told}\n"), outcome
    edit(folder / "profiles/analytics-sales-daily-rollup@1.0.0.yaml", "dataset: sales-events",
         "dataset: other-events")  # fmt: skip
    outcome = chartly(folder, "validate", str(folder / WORKFLOW))
    assert outcome.code == 3
    assert 'spec.inputs.dataset: "other-events" is not written by this workflow' in outcome.err
    # A copy that is named goes before the folder's own.
    shutil.copy(folder / STORAGE, tmp_path / "storage.yaml")
    edit(tmp_path / "storage.yaml", "dataset: sales-events", "dataset: other-events")
    outcome = chartly(folder, "validate", str(folder / WORKFLOW), str(tmp_path / "storage.yaml"))
    assert outcome.code == 0, outcome


def test_a_workflow_that_names_no_project_alone(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    text = (folder / WORKFLOW).read_text().replace("tenant-demo/proj-sales::", "")
    (tmp_path / "workflow.yaml").write_text(text)
    outcome = chartly(tmp_path, "validate", str(tmp_path / "workflow.yaml"))
    assert outcome.code == 0
    assert "its profiles, since no file or option names its project" in outcome.out
    (tmp_path / "workflow.yaml").write_text(text.replace("connector/", "a/b::connector/", 1)
                                            .replace("storage/", "c/d::storage/", 1))  # fmt: skip
    two = chartly(tmp_path, "validate", str(tmp_path / "workflow.yaml"))
    assert two.code == 3, "no project has both"
    other = chartly(tmp_path, "--project", "x/y", "validate", str(folder / WORKFLOW))
    assert other.code == 3
    assert "names project tenant-demo/proj-sales, but the workflow belongs to x/y" in other.err


ALONE = [
    ("normalizer-sales-default", '"$.totals.amount"', '"$.totals..[amount"', "mapping.amount"),
    ("analytics-sales-daily-rollup", "currency,\n", "now() AS n,\n", "now"),
    ("connector-sales-http", "next_cursor", '"next..[cursor"', "responseField"),
    ("connector-sales-http", "  pagination:", '  records: {path: "$..["}\n  pagination:', "records.path"),
    ("connector-sales-http", "mode: bearer", "mode: basic", "is not served"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "says"), ALONE)
def test_a_profile_that_no_workflow_could_use_is_refused_alone(tmp_path, name, old, new, says):
    folder = sales_folder(tmp_path / "sales")
    path = folder / "profiles" / f"{name}@1.0.0.yaml"
    edit(path, old, new)
    for arguments in ((str(path),), ()):
        shutil.rmtree(folder / "workflows", ignore_errors=True)
        outcome = chartly(folder, "validate", *arguments)
        assert outcome.code == 3, arguments
        assert says in outcome.err
        assert len(outcome.errors) == 1


def test_a_run_is_checked_and_not_rendered(tmp_path):
    path = written(tmp_path, resource("run").content)
    assert chartly(tmp_path, "validate", str(path)).out == "1 object is valid\n"
    rendered = chartly(tmp_path, "render", str(path))
    assert (rendered.code, "apply it as it is" in rendered.err) == (3, True)
    asked = changed(resource("run"), "spec.parameters", {"a": 1}).content
    refused = chartly(tmp_path, "validate", str(written(tmp_path, asked)))
    assert (refused.code, "spec.parameters: is not served" in refused.err) == (3, True)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n"])
def test_a_named_file_that_holds_nothing_is_told(tmp_path, text):
    """Unread is not valid."""
    folder = sales_folder(tmp_path / "sales")
    empty = tmp_path / "empty.yaml"
    empty.write_text(text)
    outcome = chartly(folder, "validate", str(folder / WORKFLOW), str(empty))
    assert outcome.code == 3
    assert f"{empty}: holds no object" in outcome.err


def test_a_named_folder_stands_for_its_files(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    (folder / "profiles" / "notes.txt").write_text("none of ours")
    assert chartly(tmp_path, "validate", str(folder / "profiles")).out == "4 objects are valid\n"
    outcome = chartly(tmp_path, "validate", str(folder))
    assert (outcome.code, f"{folder}: holds no object" in outcome.err) == (3, True)


def test_one_version_with_two_contents_is_refused_also_without_a_workflow(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    storage = folder / "profiles/storage-sales-events@1.0.0.yaml"
    copy = tmp_path / "copy.yaml"
    copy.write_text(storage.read_text().replace("retentionDays: 30", "retentionDays: 31"))
    outcome = chartly(tmp_path, "validate", str(storage), str(copy))
    assert (outcome.code, "differs from the same version" in outcome.err) == (3, True)
    copy.rename(folder / "profiles/twin.yaml")
    (folder / WORKFLOW).unlink()
    outcome = chartly(folder, "validate")
    assert (outcome.code, "differs from the same version" in outcome.err) == (3, True)
