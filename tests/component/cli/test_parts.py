"""Small parts of the command line by themselves: tables, progress, run folders, projects."""

import io
import json

import pytest

from chartly.errors import Reason, SpecError
from chartly_cli.home_project import project_of
from chartly_cli.output import Form, Printer, pairs, table
from chartly_cli.progress import shown
from chartly_cli.runs import RunFolder, new_run_id, run_folders, write_durably
from chartly_cli.workspace import read_workspace
from chartly_loader.request import Progress
from support.command import chartly, sales_folder

WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"


def test_a_table_aligns_numbers_right_and_text_left():
    assert table(["name", "n"], [["a", 1], ["bcd\ne", 12345], [None, 3]]).splitlines() == [
        "name        n",
        "------  -----",
        "a           1",
        "bcd\\ne  12345",
        "            3",
    ]
    assert table(["a", "b"], []).splitlines() == ["a  b", "-  -"]
    assert table(["ok"], [[True], [False]]).splitlines()[2:] == ["True", "False"]


def test_pairs_line_up():
    assert pairs({"a": 1000, "long": None}) == "a     1000\nlong  "
    assert pairs({}) == ""


def test_notes_go_to_standard_error_and_are_silent_beside_json(capsys):
    Printer(Form.TEXT).note("hello")
    Printer(Form.JSON).note("hello")
    Printer(Form.JSON).result({"a": "ä"}, "text")
    Printer(Form.TEXT).result({"a": 1}, "text")
    seen = capsys.readouterr()
    assert seen.err == "hello\n"
    assert seen.out == '{\n  "a": "ä"\n}\ntext\n'


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


DONE = Progress(pages=3, read=1200, loaded=1199, rejected=1, stage="load")


def test_progress_is_shown_on_a_terminal(monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with shown(Printer(Form.TEXT), "sales") as on_progress:
        on_progress(DONE)
    assert "load, 3 pages, 1,200 records, 1 rejected" in terminal.getvalue()


@pytest.mark.parametrize(("form", "stream"), [(Form.TEXT, io.StringIO), (Form.JSON, _Terminal)])
def test_progress_is_silent_in_a_pipe_and_beside_json(monkeypatch, form, stream):
    heard = stream()
    monkeypatch.setattr("sys.stderr", heard)
    with shown(Printer(form), "sales") as on_progress:
        on_progress(DONE)
    assert heard.getvalue() == ""


def test_run_names_are_short_and_do_not_repeat():
    names = {new_run_id("x" * 60) for _ in range(100)}
    assert len(names) == 100
    assert {len(name) for name in names} == {52}
    assert new_run_id("sales-onboard").startswith("sales-onboard-")


def test_a_durable_file_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_durably(path, b"one")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chartly_cli.runs.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"two")
    assert path.read_bytes() == b"one"


def test_a_run_folder_without_an_intent_never_started(tmp_path):
    (tmp_path / "runs" / "half").mkdir(parents=True)
    assert run_folders(tmp_path) == []
    intent = {
        "run_id": "a-1", "workflow": "a", "version": "1.0.0", "project": "t/p",
        "config_digest": "sha256:0", "run_digest": "sha256:1", "attempt": 1, "window": None,
        "frozen_at": "2026-02-02T12:00:00.000+00:00", "evidence": {},
    }  # fmt: skip
    write_durably(tmp_path / "runs" / "half" / "run.json", json.dumps(intent).encode())
    (folder,) = run_folders(tmp_path)
    assert folder.intent.moment.isoformat() == "2026-02-02T12:00:00+00:00"
    assert folder.result is None
    assert folder.next_attempt({"cacert": "x"}).attempt == 2
    assert RunFolder(folder.path).intent.evidence == {"cacert": "x"}


def test_a_folder_of_several_projects_needs_one_to_be_named(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    text = (folder / WORKFLOW).read_text().replace("sales-onboard", "other")
    (folder / "workflows" / "other.yaml").write_text(text.replace("proj-sales", "proj-other"))
    with pytest.raises(SpecError) as caught:
        project_of(read_workspace(folder))
    assert caught.value.reason is Reason.NOT_A_PROJECT
    assert "workflows of 2 projects; give --project" in caught.value.message
    assert str(project_of(read_workspace(folder, "a/b"))) == "a/b"


def test_a_project_that_stored_nothing_says_so(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    (folder / ".chartly" / "store").mkdir()
    outcome = chartly(folder, "query", "SELECT 1")
    assert outcome.code == 3
    assert "project tenant-demo/proj-sales has no database tenant_demo__proj_sales" in outcome.err


def test_an_edit_that_would_change_more_than_the_annotation_is_refused(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    path = folder / "profiles/storage-sales-events@1.0.0.yaml"
    path.write_text(path.read_text() + "---\n" + path.read_text().replace("sales-events", "more"))
    outcome = chartly(folder, "deprecate", "storage/more@1.0.0", "--because", "old")
    assert outcome.code == 3, outcome
    assert "by hand" in outcome.err
