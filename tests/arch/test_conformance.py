"""The shipped profiles resolve to what was recorded; a changed byte shows as a diff."""

import shutil

from support.command import chartly
from support.profiles import PLAYBOOK, ROOT


def test_the_shipped_domains_conform():
    outcome = chartly(ROOT, "conformance")
    assert outcome.code == 0, outcome


def test_one_changed_byte_fails_with_a_diff(tmp_path):
    for name in ("profiles", "workflows"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "fixtures").mkdir()
    shutil.copyfile(
        ROOT / "fixtures" / "conformance.json", tmp_path / "fixtures" / "conformance.json"
    )
    profile = tmp_path / "profiles" / "storage-sales-events@1.0.0.yaml"
    profile.write_text(profile.read_text().replace("retentionDays: 30", "retentionDays: 31"))
    outcome = chartly(tmp_path, "conformance")
    assert outcome.code == 21
    assert '-          "retentionDays": 30' in outcome.out
    assert '+          "retentionDays": 31' in outcome.out


def test_the_playbook_s_fixture_conforms_to_its_golden(tmp_path):
    shutil.copytree(PLAYBOOK, tmp_path, dirs_exist_ok=True)
    assert chartly(tmp_path, "conformance", "--update").code == 0
    golden = tmp_path / "fixtures" / "sales.expected.canonical.json"
    golden.write_text(golden.read_text().replace("19.99", "19.98"))
    outcome = chartly(tmp_path, "conformance")
    assert outcome.code == 21
    assert '+  "amount":19.99,' in outcome.out
