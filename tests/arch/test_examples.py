"""The examples of README and docs are executed as they are written."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from chartly.api.documents import Document
from chartly.api.profile import parse_profile
from chartly.api.workflow import parse_workflow
from chartly.names import API_VERSION
from chartly.plan.plan_check import check_plan
from chartly_cli.demo.api_server import api_server
from chartly_cli.demo.authority import make_authority
from chartly_cli.demo.sales import sales_records
from chartly_folder.object_files import read_workspace
from support.profiles import HOME, PLAYBOOK, ROOT, changed, playbook_profile

DOCS = ROOT / "docs" / "user"
BIN = Path(sys.executable).parent
FENCE = "~~~"


def _blocks(path, language, fence="```"):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^{fence}{language}\n(.*?)^{fence}", text, re.DOTALL | re.MULTILINE)


def _run(script, folder):
    """Runs a script with the environment's commands; ends what it left in the background."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=150)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    text = log.read_text(encoding="utf-8")
    assert code == 0, text
    return text


@pytest.mark.timeout(180)
def test_the_tutorial(tmp_path):
    output = _run("\n".join(_blocks(DOCS / "tutorial.md", "bash")), tmp_path)
    for expected in (
        "5 objects are valid",
        "ok    orders: 1 event, as in the golden",
        '-          "retentionDays": 30',
        "read 120 = loaded 119 + rejected 1 + duplicate 0 + filtered 0 + late 0",
        "reason   RequiredFieldMissing\nfield    value\n",
        "message  value: is required\n",
        "yes  observability and audit evidence exist",
        "removed  canonical dataset: orders-events",
    ):
        assert expected in output
    prints = re.findall(r"fingerprint (\S+)", output)
    assert len(prints) == 2
    assert prints[0] == prints[1]
    assert "kind: Workflow" in (tmp_path / "resources.yaml").read_text()


def test_the_readme_s_ten_lines(tmp_path):
    script = _blocks(ROOT / "README.md", "bash")[1]
    script = script.replace(". .venv/bin/activate", "true")
    script = re.sub(r"(-p|cd) /tmp/\w+", rf"\1 {tmp_path / 'shop'}", script)
    output = _run(script, tmp_path)
    assert "ok    orders: 1 event, as in the golden" in output
    assert "1 workflow conforms" in output


def test_the_readme_names_both_commands_first():
    assert _blocks(ROOT / "README.md", "bash")[0].split("\n")[:2] == ["make demo", "make test"]


GUIDE = _blocks(DOCS / "guide.md", "yaml")
PLACES = {
    "pagination": "connector",
    "records": "connector",
    "retry": "connector",
    "auth": "connector",
    "transforms": "normalizer",
    "rejectThreshold": "normalizer",
    "retention": "storage",
}


@pytest.mark.parametrize("block", GUIDE, ids=range(len(GUIDE)))
def test_the_guide_s_yaml_is_taken(block):
    spec = yaml.safe_load(block)
    kind = PLACES[next(iter(spec))]
    profile = playbook_profile(kind)
    if "retention" in spec:
        profile = changed(profile, "spec.retentionDays", drop=True)
    for field, value in spec.items():
        profile = changed(profile, f"spec.{field}", value)
    parse_profile(profile)


def _playbook(folder):
    """Writes every file that the playbook says to create, word for word."""
    text = (DOCS / "onboard-a-new-domain.md").read_text(encoding="utf-8")
    created = re.findall(
        rf"Create `([^`]+)`[^\n]*\n\n{FENCE}\w+\n(.*?)^{FENCE}", text, re.DOTALL | re.MULTILINE
    )
    for name, content in created:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return [name for name, _ in created]


def test_the_playbook_s_files_are_the_fixtures_byte_for_byte(tmp_path):
    names = _playbook(tmp_path)
    assert len(names) == 7
    for name in names:
        assert (tmp_path / name).read_bytes() == (PLAYBOOK / name).read_bytes()
    shipped = ROOT / "cli" / "chartly_cli" / "demo" / "domains" / "sales"
    for name in names:
        assert (shipped / name).read_bytes() == (PLAYBOOK / name).read_bytes()


def test_the_playbook_s_compact_payload_gives_the_same_config_digest(tmp_path):
    """Step 8, and INV-5."""
    _playbook(tmp_path)
    text = (DOCS / "onboard-a-new-domain.md").read_text(encoding="utf-8")
    payload = json.loads(re.search(r"-d '(\{.*\})'", text)[1])
    content = {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": {"name": payload["name"], "version": "1.0.0"},
        "spec": payload["spec"],
    }
    workspace = read_workspace(tmp_path)
    explicit = workspace.freeze(workspace.workflow("sales"))
    compact = workspace.freeze(parse_workflow(Document("curl", 1, content)))
    assert compact.snapshot.digest == explicit.snapshot.digest
    check_plan(compact.resolution, compact.plan)


@pytest.mark.timeout(180)
def test_the_playbook_runs_whole(tmp_path):
    """Steps 7 to 9, the success criteria and the teardown, in order."""
    _playbook(tmp_path)
    authority = make_authority(tmp_path / "tls")
    secret = tmp_path / ".chartly" / "secrets" / "sales-http" / "token"
    secret.parent.mkdir(parents=True)
    secret.write_text("canary-token-7f3k")
    with api_server(authority.server_context(), "canary-token-7f3k", sales_records()) as port:
        output = _run(
            "chartly validate && chartly test sales && chartly conformance --update\n"
            f"chartly run sales --connect-to api.example.invalid:443=127.0.0.1:{port} "
            f"--cacert {authority.ca}\n"
            "chartly status sales && chartly audit show && chartly teardown sales --yes && "
            f"chartly --project {HOME} audit verify",
            tmp_path,
        )
    assert "canary-token-7f3k" not in output
    assert "read 401 = loaded 396 + rejected 4 + duplicate 1" in output
    for event in (
        "connector.profile.resolved",
        "connector.run.started",
        "connector.run.succeeded",
        "workflow.run.started",
        "workflow.run.succeeded",
        "dataset.updated",
        "analytics.query.executed",
    ):
        assert event in output
    metrics = next((tmp_path / ".chartly" / "runs").glob("*/metrics.prom")).read_text()
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    assert values["chartly_connector_requests_total"] == 9
    assert values["chartly_connector_bytes_ingested_total"] > 0
    assert values["chartly_connector_retries_total"] == 0
    assert values["chartly_run_duration_seconds_count"] == 1
    removed = re.findall(r"^removed  (.*?):", output, re.MULTILINE)
    assert removed == [
        "workflow",
        "derived dataset",
        "canonical dataset",
        *["profile (deprecate)"] * 4,
    ]
    assert not list((tmp_path / "workflows").iterdir())


@pytest.mark.parametrize("kind", ["profiles", "workflows"])
def test_the_kubectl_form_has_the_digests_of_the_shipped_domains(kind):
    """INV-5: one source in two spellings."""
    domains = ROOT / "cli" / "chartly_cli" / "demo" / "domains"
    shipped = {
        path.name for name in ("sales", "flights") for path in (domains / name / kind).iterdir()
    }
    assert {path.name for path in (ROOT / kind).iterdir()} == shipped


@pytest.mark.parametrize("domain", ["sales", "flights"])
def test_the_kubectl_form_resolves_to_the_same_config(domain):
    domains = ROOT / "cli" / "chartly_cli" / "demo" / "domains"
    digests = set()
    for folder in (ROOT, domains / domain):
        workspace = read_workspace(folder)
        digests.add(workspace.freeze(workspace.workflow(domain)).snapshot.digest)
    assert len(digests) == 1


def test_help_is_quick():
    """The bound is loose: a machine may be busy; what it guards against is importing the engine."""
    best = 10.0
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([BIN / "chartly", "--help"], check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    assert best < 1.0
