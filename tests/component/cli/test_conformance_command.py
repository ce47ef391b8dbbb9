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
    assert "was recorded without fixtures" in outcome.err


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"sales-onboard@1.0.0": 5}', b""]
)
def test_a_damaged_record_is_one_sentence(folder, content):
    """INV-10."""
    (folder / "fixtures" / "conformance.json").write_bytes(content)
    outcome = chartly(folder, "conformance")
    assert outcome.code == 3
    assert outcome.errors[0].endswith("is not a record of workflows; record it anew with --update")
    assert chartly(folder, "conformance", "--update").code == 0


def test_nothing_is_recorded_before_the_goldens_are_compared(folder):
    """A fixture without a golden, or with another one, is in no record."""
    assert chartly(folder, "conformance", "--update").code == 0
    record = folder / "fixtures" / "conformance.json"
    before = record.read_bytes()
    shutil.copy(folder / "fixtures/sales.sample.json", folder / "fixtures/sales.b.sample.json")
    assert chartly(folder, "conformance", "--update").code == 3
    (folder / "fixtures" / "sales.b.expected.canonical.json").write_text("[]")
    outcome = chartly(folder, "conformance", "--update")
    assert (outcome.code, "correct the golden" in outcome.err) == (21, True)
    assert record.read_bytes() == before


def test_a_fixture_of_no_workflow_is_told(folder):
    shutil.copy(folder / "fixtures/sales.sample.json", folder / "fixtures/sale.sample.json")
    outcome = chartly(folder, "conformance", "--update")
    assert outcome.code == 0
    assert "sale.sample.json: is the fixture of no workflow" in outcome.err


def test_conformance_says_what_it_did_not_compare(folder, tmp_path):
    shutil.rmtree(folder / "fixtures")
    outcome = chartly(folder, "conformance", "--update")
    assert outcome.code == 0, outcome
    assert "workflow sales-onboard@1.0.0: has no fixtures, so only its digests" in outcome.err
    for arguments in (("conformance",), ("conformance", "--update")):
        nothing = chartly(tmp_path, *arguments)
        assert nothing.code == 3
        assert nothing.errors[0].endswith("holds no workflows/ to compare")
