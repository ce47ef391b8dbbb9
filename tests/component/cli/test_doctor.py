"""``chartly doctor``: what the machine, the folder and a workflow lack."""

import shutil

import pytest

from support.command import chartly, chartly_json, edit, sales_folder

STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


def test_doctor_lists_every_prerequisite(folder):
    document = chartly_json(folder, "doctor")
    assert all(one["ok"] for one in document)
    assert {one["check"] for one in document} == {
        "environment", "services", "folder", "disk", "profiles", "workflows", "project", "plan", "queries",
        "secret",
    }  # fmt: skip
    edit(folder / STORAGE, "retentionDays", "retentionDay")
    broken = chartly(folder, "doctor")
    assert broken.code == 3
    assert "FAIL  profiles: " in broken.out


def test_doctor_says_what_a_workflow_lacks(folder):
    edit(folder / WORKFLOW, "storage/sales-events@1.0.0", "storage/other@1.0.0")
    broken = chartly(folder, "doctor")
    assert (broken.code, "FAIL  plan: " in broken.out) == (3, True)
    edit(folder / WORKFLOW, "storage/other@1.0.0", "storage/sales-events@1.0.0")
    edit(folder / "profiles/normalizer-sales-default@1.0.0.yaml", "$.id", "$..[")
    broken = chartly(folder, "doctor")
    assert (
        broken.code,
        "FAIL  plan: profiles/normalizer-sales-default@1.0.0.yaml:" in broken.out,
    ) == (3, True)


def test_doctor_says_what_the_machine_lacks(folder, monkeypatch):
    monkeypatch.setattr("chartly_cli.local_site._ENGINE", ("chdb", "no_such_package"))
    lacking = chartly(folder, "doctor")
    assert "FAIL  services: missing packages: no_such_package" in lacking.out
    assert chartly(folder, "run", "sales").errors[0].startswith("error: PrerequisiteMissing: ")
    monkeypatch.undo()
    monkeypatch.setattr("chartly_cli.local_site._FREE_BYTES", 1 << 60)
    assert "FAIL  disk: " in chartly(folder, "doctor").out


def test_doctor_on_a_folder_that_is_not_there(tmp_path):
    outcome = chartly(tmp_path / "none", "doctor")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.errors == [f"error: ConfigInvalid: {tmp_path / 'none'}: does not exist"]


def test_doctor_in_a_folder_without_profiles(folder, tmp_path):
    (tmp_path / "wrong").mkdir()
    outcome = chartly(tmp_path / "wrong", "doctor")
    assert outcome.code == 3
    assert f"FAIL  profiles: 0 profiles in {tmp_path / 'wrong'}\n" in outcome.out
    assert f"FAIL  workflows: 0 workflows in {tmp_path / 'wrong'}\n" in outcome.out
    inside = chartly(folder / "profiles", "doctor")
    hint = f"; the folder above holds a workspace: -C {folder}"
    assert f"FAIL  profiles: 0 profiles in {folder / 'profiles'}{hint}\n" in inside.out


SECRET = ".chartly/secrets/sales-http/token"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o602, 0o666])
def test_a_secret_that_others_can_read_is_told(folder, mode):
    (folder / SECRET).chmod(mode)
    said = f"'sales-http' key 'token' of connector 'sales-http': other users can read or change {folder / SECRET}; run chmod 600 {folder / SECRET}"
    doctor = chartly(folder, "doctor")
    assert (doctor.code, f"WARN  secret: {said}" in doctor.out.splitlines()) == (0, True)
    [document] = [one for one in chartly_json(folder, "doctor") if one["check"] == "secret"]
    assert (document["ok"], document["warning"]) == (True, True)
    broken = chartly(
        folder, "run", "sales-onboard", "--connect-to", "api.example.invalid:443=127.0.0.1:1"
    )
    assert f"warning: secret: {said}" in broken.err.splitlines()


def test_a_secret_for_its_owner_alone_is_not_told(folder):
    for mode in (0o600, 0o400):
        (folder / SECRET).chmod(mode)
        assert "WARN" not in chartly(folder, "doctor").out


def test_a_short_secret_is_told(folder):
    (folder / SECRET).write_text("a1b2c3d")
    doctor = chartly(folder, "doctor")
    assert "holds fewer than 8 characters, too few to be found where the API" in doctor.out
    assert (doctor.code, "a1b2c3d" in doctor.out) == (0, False)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Bearer canary-7", "begins with 'Bearer', which auth.mode sends itself; put the token alone into it"),
        (b"authorization: bearer canary-7", "begins with 'bearer', which auth.mode sends itself"),
        (b"", "is empty"),
        (b"canary-7\r\nX-Evil: 1", "holds more than one line; put the token alone into it"),
        (b"can\xc3\xa4ry-7", "is not readable as ASCII text"),
    ],
)  # fmt: skip
def test_a_secret_that_cannot_be_sent_is_told_before_anything_is(folder, content, says):
    """INV-6: without being shown."""
    (folder / SECRET).write_bytes(content)
    doctor = chartly(folder, "doctor")
    assert doctor.code == 3
    assert (
        f"FAIL  secret: 'sales-http' key 'token' of connector 'sales-http': {folder / SECRET} {says}"
        in doctor.out
    )
    run = chartly(folder, "run", "sales-onboard")
    assert (
        run.code,
        f"error: SecretMissing: secret: 'sales-http' key 'token' of connector 'sales-http': {folder / SECRET} {says}"
        in run.err,
    ) == (3, True)
    assert "canary" not in doctor.out + run.err


def test_secrets_may_lie_elsewhere(folder, tmp_path):
    shutil.move(folder / ".chartly" / "secrets", tmp_path / "elsewhere")
    assert chartly(folder, "doctor").code == 3
    assert chartly(folder, "doctor", "--secrets", str(tmp_path / "elsewhere")).code == 0
