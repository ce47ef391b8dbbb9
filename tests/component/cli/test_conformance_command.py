"""``chartly conformance``: what was recorded, and what of it is another or gone."""

import json
import shutil

import pytest

from support.command import chartly, chartly_json, edit, sales_folder

STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
GOLDEN = "fixtures/sales.expected.canonical.json"


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


def test_conformance_records_and_compares(folder):
    outcome = chartly(folder, "conformance", "--update")
    assert outcome.out == "1 workflow conforms\n"
    assert chartly_json(folder, "conformance") == {
        "conforms": True, "difference": "", "goldens": [],
    }  # fmt: skip
    edit(folder / STORAGE, "retentionDays: 30", "retentionDays: 31")
    changed = chartly(folder, "conformance")
    assert changed.code == 21
    assert '-          "retentionDays": 30' in changed.out
    assert '+          "retentionDays": 31' in changed.out
    assert "storage/sales-events@1.0.0" in changed.out
    assert "give a changed profile a new version" in changed.err
    edit(folder / STORAGE, "retentionDays: 31", "retentionDays: 30")
    edit(folder / GOLDEN, "USD", "EUR")
    changed = chartly(folder, "conformance")
    assert (changed.code, '+  "currency":"USD",' in changed.out) == (21, True)


def test_conformance_misses_a_fixture_that_was_recorded(folder):
    """Absent is not conforming; a record of an earlier version knows of no fixtures."""
    assert chartly(folder, "conformance", "--update").code == 0
    record = folder / "fixtures" / "conformance.json"
    earlier = json.loads(record.read_text())
    assert earlier["sales-onboard@1.0.0"].pop("fixtures") == ["sales"]
    (folder / "fixtures" / "sales.sample.json").unlink()
    outcome = chartly(folder, "conformance")
    assert (outcome.code, '-      "sales"' in outcome.out) == (21, True)
    record.write_text(json.dumps(earlier, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    outcome = chartly(folder, "conformance")
    assert (outcome.code, "has no fixtures" in outcome.err) == (0, True)
    record.write_text("[]")
    assert chartly(folder, "conformance").code == 21


def test_conformance_says_what_it_did_not_compare(folder, tmp_path):
    shutil.rmtree(folder / "fixtures")
    outcome = chartly(folder, "conformance", "--update")
    assert outcome.code == 0, outcome
    assert "workflow sales-onboard@1.0.0: has no fixtures, so only its digests" in outcome.err
    for arguments in (("conformance",), ("conformance", "--update")):
        nothing = chartly(tmp_path, *arguments)
        assert nothing.code == 3
        assert nothing.errors[0].endswith("holds no workflows/ to compare")
