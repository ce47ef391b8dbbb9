"""``chartly test``: fixtures, goldens, and a run of both twice."""

import json
import shutil

import pytest

from support.command import chartly, edit, sales_folder
from support.sales_api import sale

STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
GOLDEN = "fixtures/sales.expected.canonical.json"


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


def test_a_fixture_is_run_through_everything_twice(folder):
    outcome = chartly(folder, "test", "sales")
    assert outcome.code == 0, outcome
    assert "ok    sales: 1 event, as in the golden" in outcome.out
    assert "read 1 = loaded 1 + rejected 0" in outcome.out
    assert not (folder / ".chartly" / "store").exists(), "the folder's store is not touched"


def test_what_is_odd_about_a_fixture_is_told(folder):
    edit(
        folder / "profiles/normalizer-sales-default@1.0.0.yaml",
        "  mapping:",
        "  mapping:\n    nobody: $.nobody",
    )
    edit(folder / "fixtures" / "sales.sample.json", '"id": ', '"id": "twice", "id": ')
    outcome = chartly(folder, "test", "sales")
    assert (
        "warn  MappingNeverMatched: mapping.nobody: path '$.nobody' matched nothing" in outcome.out
    )
    assert "warn  DuplicateKeys: id: the key 'id' occurs twice in an object" in outcome.out


def test_a_golden_that_differs_is_shown_and_fails(folder):
    """Canonical events match expectations, exactly: 19.99 is not 19.990000000000001."""
    edit(folder / GOLDEN, "19.99", "19.990000000000001")
    outcome = chartly(folder, "test", "sales")
    assert outcome.code == 21
    assert "FAIL  sales: 1 event, not as in the golden" in outcome.out
    assert '-  "amount":19.990000000000001,' in outcome.out
    assert '+  "amount":19.99,' in outcome.out
    edit(folder / GOLDEN, "19.990000000000001", "19.990")
    assert chartly(folder, "test", "sales").code == 0, "a trailing zero is the same number"


def test_more_cases_are_more_files(folder):
    sample = folder / "fixtures" / "sales.two.sample.json"
    sample.write_text(json.dumps([sale(1), sale(2)]))
    outcome = chartly(folder, "test", "sales")
    assert outcome.code == 3
    assert "sales.two.expected.canonical.json is not there" in outcome.err
    golden = folder / "fixtures" / "sales.two.expected.canonical.json"
    one = json.loads((folder / GOLDEN).read_text())
    events = [
        {**one, "event_id": f"sale_{n:04}", "occurred_at": f"2026-02-0{n + 1}T0{n}:30:00Z",
         "amount": n + 0.25, "currency": ("USD", "EUR")[n % 2], "customer_id": f"cust_{n}"}
        for n in (1, 2)
    ]  # fmt: skip
    golden.write_text(json.dumps(events))
    assert "ok    sales.two: 2 events" in chartly(folder, "test", "sales").out
    golden.write_text("[{")
    broken = chartly(folder, "test", "sales")
    assert (broken.code, str(golden) in broken.err) == (3, True)
    sample.write_text("<html>")
    broken = chartly(folder, "test", "sales")
    assert (broken.code, str(sample) in broken.err) == (3, True)


def test_a_page_as_the_api_gives_it_is_a_fixture_too(folder):
    sample = folder / "fixtures" / "sales.sample.json"
    sample.write_text(json.dumps({"data": [json.loads(sample.read_text())], "next_cursor": "x"}))
    assert chartly(folder, "test", "sales").code == 0


def test_a_workflow_without_fixtures_cannot_be_tested(folder):
    shutil.rmtree(folder / "fixtures")
    outcome = chartly(folder, "test")
    assert (outcome.code, "has no fixtures/sales.sample.json" in outcome.err) == (3, True)
    shutil.rmtree(folder / "workflows")
    outcome = chartly(folder, "test")
    assert (outcome.code, "holds no workflows/ to test" in outcome.err) == (3, True)


def test_a_fixture_run_that_fails_says_why(folder):
    edit(folder / "profiles/normalizer-sales-default@1.0.0.yaml", "  canonicalEventType",
         "  rejectThreshold: {count: 0}\n  canonicalEventType")  # fmt: skip
    (folder / "fixtures" / "sales.sample.json").write_text(json.dumps({"id": "x"}))
    (folder / GOLDEN).write_text("[]")
    outcome = chartly(folder, "test", "sales")
    assert outcome.code == 20
    assert outcome.errors[0].startswith("error: RejectThreshold: ")
