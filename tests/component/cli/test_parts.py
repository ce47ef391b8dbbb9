"""Small parts of the command line by themselves: tables, progress, refusals."""

import io

import pytest

from chartly_cli.output import Form, Printer, pairs, table
from chartly_cli.progress import displayed_progress
from chartly_loader.load_request import Progress
from support.command import chartly, sales_folder


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
    with displayed_progress(Printer(Form.TEXT), "sales") as on_progress:
        on_progress(DONE)
    assert "load, 3 pages, 1,200 records, 1 rejected" in terminal.getvalue()


@pytest.mark.parametrize(("form", "stream"), [(Form.TEXT, io.StringIO), (Form.JSON, _Terminal)])
def test_progress_is_silent_in_a_pipe_and_beside_json(monkeypatch, form, stream):
    heard = stream()
    monkeypatch.setattr("sys.stderr", heard)
    with displayed_progress(Printer(form), "sales") as on_progress:
        on_progress(DONE)
    assert heard.getvalue() == ""


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
