import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from chartly.api.connector import ConnectorSpec
from chartly.api.documents import parse_documents
from chartly.api.place import Place
from chartly.api.profile import SPEC_MODELS, parse_profile
from chartly.api.workflow import WorkflowSpec, parse_workflow
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.api.workflow_step import SPELLINGS
from chartly.errors import REASONS, Reason, Retry, SpecError
from chartly.evidence.audit_event import EVENT_TYPES
from chartly.evidence.hash_chain import Fault
from chartly.evidence.metric_table import METRICS, OPERATOR_METRICS
from chartly.extract.reject import REJECT_REASONS, RejectReason
from chartly.load.dataset_tables import ENVELOPE_TYPES
from chartly.load.grants import ANALYST_LIMITS, LOADER_LIMITS
from chartly.plan.digest import profile_digest
from chartly.plan.served import check_served
from chartly_cli.docs.__main__ import PAGES, main
from chartly_cli.docs.cli_page import commands, help_text
from chartly_cli.docs.crd_files import CRD_FILES, CRD_FOLDER
from chartly_cli.docs.docstrings import member_sentence
from chartly_cli.docs.event_page import ENVELOPE_MEANINGS
from chartly_cli.docs.fields import field_rows
from chartly_cli.docs.profiles_page import operation, transform_models
from chartly_cli.docs.table_pages import RETRY_WORDS, _exit_code
from chartly_cli.docs.workflow_page import step_models
from support.profiles import changed, playbook_profile, playbook_workflow

HERE = Place(object="here", path="spec")

ROOT = Path(__file__).parents[2]
TROUBLE = ROOT / "docs" / "operations" / "troubleshooting.md"
REFERENCE = ROOT / "docs" / "user" / "reference"
TEXTS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
SPECS = [*SPEC_MODELS.values(), WorkflowSpec, WorkflowRunSpec]


def page(name):
    return (REFERENCE / name).read_text(encoding="utf-8")


def named(path):
    return str(path.relative_to(ROOT))


def test_the_reference_is_what_the_code_says():
    done = subprocess.run(
        [sys.executable, "-m", "chartly_cli.docs", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)
    assert {path.name for path in (ROOT / CRD_FOLDER).iterdir()} == set(CRD_FILES)


@pytest.mark.parametrize("name", ["reference/reasons.md", "crds/workflows.yaml"])
def test_a_stale_file_is_told_and_mended(tmp_path, capsys, name):
    folders = [f"--folder={tmp_path / 'reference'}", f"--crds={tmp_path / 'crds'}"]
    assert main(folders) == 0
    assert main([*folders, "--check"]) == 0
    stale = tmp_path / name
    fresh = stale.read_text(encoding="utf-8")
    stale.write_text("old\n", encoding="utf-8")
    assert main([*folders, "--check"]) == 1
    assert f"{stale.name} is stale; run `make generate`" in capsys.readouterr().err
    assert main(folders) == 0
    assert stale.read_text(encoding="utf-8") == fresh


@pytest.mark.parametrize("model", SPECS, ids=lambda model: model.__name__)
def test_every_field_says_what_it_means(model):
    rows = list(field_rows(model))
    assert all(row.type and row.meaning for row in rows)
    text = page("profiles.md" if model in SPEC_MODELS.values() else "workflow.md")
    for row in rows:
        unserved = any(
            row.path.startswith((f"{one.path}.", f"{one.path}[].")) for one in rows if closed(one)
        )
        assert (f"| `{row.path}` |" in text) is not unserved, row.path


def closed(row):
    return row.meaning.endswith("Not served yet.")


@pytest.mark.parametrize("model", transform_models(), ids=operation)
def test_every_transform_is_described(model):
    assert f"| `{operation(model)}` | " in page("profiles.md")


@pytest.mark.parametrize("model", step_models(), ids=lambda model: model.__name__)
def test_every_step_is_described(model):
    kind = get_args(model.model_fields["type"].annotation)[0]
    explicit, compact = SPELLINGS[kind]
    assert f"| `{kind}` | " in page("workflow.md")
    assert f"`{explicit}` | `{compact}` |" in page("api.md")


def test_a_field_without_a_sentence_is_an_error():
    with pytest.raises(LookupError, match="ConnectorSpec.nothing has no sentence under it"):
        member_sentence(ConnectorSpec, "nothing")


def test_every_reason_metric_event_and_fault_is_described():
    reasons = page("reasons.md")
    for reason in Reason:
        assert f"| `{reason}` | {_exit_code(REASONS[reason])} |" in reasons
    assert all(f"| `{one}` |" in reasons for one in RejectReason)
    assert all(f"| `{one.name}` |" in page("metrics.md") for one in (*METRICS, *OPERATOR_METRICS))
    assert all(f"| `{one}` |" in page("audit.md") for one in (*EVENT_TYPES, *Fault))
    assert set(REJECT_REASONS) == set(RejectReason)
    assert set(RETRY_WORDS) == set(Retry)
    assert set(ENVELOPE_MEANINGS) == set(ENVELOPE_TYPES)


def test_every_command_is_described():
    text = page("cli.md")
    found = list(commands())
    assert ("audit", "verify") in found
    for command in found:
        assert f"## {' '.join(('chartly', *command))}\n" in text
        assert help_text(command).startswith("Usage: chartly")


UNSERVED = [
    ("connector", "transport.method", "POST"),
    ("connector", "transport.body", {"a": 1}),
    ("connector", "auth.mode", "basic"),
    ("connector", "pagination.mode", "linkHeader"),
    ("connector", "responses", [{"status": [404], "action": "ignore"}]),
    ("connector", "records.filter", "@.a"),
    ("connector", "incremental", {"cursorField": "a", "requestParam": "b"}),
    ("connector", "streams", [{"name": "a"}]),
    ("normalizer", "unknownFields", "capture"),
    ("normalizer", "sensitive", ["$.a"]),
    ("storage", "writeMode", "replace"),
    ("analytics", "inputs.lookback", "P1D"),
    ("workflow", "parameters", [{"name": "a"}]),
    ("workflow", "schedule", {"cron": "0 * * * *"}),
    ("workflow", "runOnApply", True),
    ("workflow", "concurrency", "Replace"),
    ("workflow", "priority", 1),
    ("workflow", "deadlines.heartbeat", 60),
]


@pytest.mark.parametrize(("kind", "field", "value"), UNSERVED)
def test_what_is_not_served_is_refused_by_name(kind, field, value):
    """A known field that no code serves is refused, never ignored."""
    original = playbook_workflow() if kind == "workflow" else playbook_profile(kind)
    head, _, _ = field.partition(".")
    spec = original.content["spec"]
    if "." in field and head not in spec:
        original = changed(original, f"spec.{head}", {})
    document = changed(original, f"spec.{field}", value)
    parsed = parse_workflow(document) if kind == "workflow" else parse_profile(document)
    with pytest.raises(SpecError, match=f"spec[.].*{field.rpartition('.')[2]}") as raised:
        check_served(parsed.spec, HERE)
    assert raised.value.reason is Reason.NOT_SERVED


def test_the_docs_say_so_of_the_same_fields():
    models = {**SPEC_MODELS, "workflow": WorkflowSpec}
    said = set()
    for kind, model in models.items():
        rows = list(field_rows(model))
        outer = tuple(row.path for row in rows if closed(row))
        said |= {
            (kind, row.path)
            for row in rows
            if "served yet" in row.meaning
            and not any(row.path.startswith((f"{one}.", f"{one}[].")) for one in outer)
        }
    assert said == {(kind, field) for kind, field, _ in UNSERVED}


def blocks(path, language):
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    found = fence.findall(path.read_text(encoding="utf-8"))
    return [(f"{named(path)}#{place}", text) for place, text in enumerate(found)]


EXAMPLES = [
    one for path in PAGES for lang in ("yaml", "json") for one in blocks(REFERENCE / path, lang)
]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_the_examples_of_the_reference_are_valid(name, text):
    documents = parse_documents(text, name)
    assert documents
    parsers = {"Profile": parse_profile, "Workflow": parse_workflow}
    assert all(parsers[one.content["kind"]](one) for one in documents)


def test_both_spellings_of_the_example_have_one_digest():
    """INV-5."""
    documents = parse_documents(blocks(REFERENCE / "profiles.md", "yaml")[0][1], "x")
    assert len({profile_digest(parse_profile(one)) for one in documents}) == 1
    assert len(documents) == 2


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_docs_are_about_the_project_not_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:work|root|home|Users)/\S*", text) == []
    assert re.findall(r"https?://(?:registry|files|proxy|index|deb|repo1?)\.\S+", text) == []


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_links_within_the_docs_lead_somewhere(path):
    prose = re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_every_reason_has_a_row_of_what_to_do():
    rows = re.findall(
        r"^\| (`.*?`) \| .+? \| .+? \|$", TROUBLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(one for one in told if one in set(Reason)) == sorted(REASONS)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: p.stem)
def test_a_decision_has_a_date_and_a_status(path):
    """One that is superseded names the decision that does."""
    head = path.read_text(encoding="utf-8").split("\n## ")[0]
    form = r"^Date: 20\d\d-[01]\d-[0-3]\d\. Status: (accepted|superseded)"
    assert re.search(form, head, re.MULTILINE)
    if "superseded" in head:
        assert re.search(r"\]\(00\d\d-[a-z-]+\.md\)", head)


@pytest.mark.parametrize(
    ("user", "limits"), [("loader", LOADER_LIMITS), ("analyst", ANALYST_LIMITS)]
)
def test_the_limits_of_a_project_s_users_are_documented(user, limits):
    text = (ROOT / "docs" / "operations" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `max_.*$", text, re.MULTILINE)
    (header,) = re.findall(r"^\| setting \|.*$", text, re.MULTILINE)
    column = [cell.strip() for cell in header.split("|")].index(user)
    documented = {}
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")]
        documented |= dict(
            zip(re.findall(r"`(\w+)`", cells[1]), cells[column].split(", "), strict=False)
        )
    assert {name: documented.get(name) for name in limits} == {
        name: str(value) for name, value in limits.items()
    }
