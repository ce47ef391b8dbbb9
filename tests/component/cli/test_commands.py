"""Each command on good files: what it prints, in both forms, and what it leaves."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from support.command import chartly, chartly_json, edit, sales_folder
from support.profiles import ROOT
from support.sales_api import in_order, pages_of, sale, serving

STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
GOLDEN = "fixtures/sales.expected.canonical.json"


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder in which the workflow has run; tests only read it."""
    place = tmp_path_factory.mktemp("ran")
    folder = sales_folder(place / "sales")
    with serving(place, in_order(pages_of([sale(n) for n in range(12)], 4))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    return folder


def test_help_is_quick_because_it_imports_nothing_heavy():
    """`chartly --help` under 0.3 s: the models and engines are not imported for it."""
    heavy = ("pydantic", "pyarrow", "chdb", "sqlglot", "httpx", "clickhouse_connect", "yaml")
    script = (
        "import sys; sys.argv = ['chartly', '--help']\n"
        "from chartly_cli.__main__ import _run\n"
        f"code = _run(); print([one for one in {heavy!r} if one in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_has_help(folder):
    listed = chartly(folder, "--help").out
    for name in (
        "init", "validate", "render", "resolve", "digest", "run", "test", "conformance", "query",
        "rejects", "status", "teardown", "deprecate", "doctor", "demo", "audit", "project", "version",
    ):  # fmt: skip
        assert f"\n  {name} " in listed
        assert chartly(folder, name, "--help").code == 0


def test_version(folder):
    assert chartly_json(folder, "version") == {"version": chartly(folder, "version").out.strip()}


def test_validate_counts_what_it_checked(folder):
    assert chartly(folder, "validate").out == "5 objects are valid\n"
    assert chartly_json(folder, "validate") == {"checked": 5, "problems": [], "unchecked": []}


def test_the_playbook_and_the_custom_resources_have_the_same_digests(folder):
    """Both file spellings give the same digests, anywhere, offline."""
    ours = chartly_json(folder, "digest")
    theirs = {
        name: one
        for name, one in chartly_json(ROOT, "digest").items()
        if name.partition("/")[2].startswith("sales-")
    }
    assert ours == theirs
    assert len(ours) == 4


def test_digest_of_one_profile_and_of_a_workflow(folder):
    every = chartly_json(folder, "digest")
    name = "storage/sales-events@1.0.0"
    assert chartly(folder, "digest", name).out.strip() == every[name]
    assert chartly_json(folder, "digest", f"tenant-demo/proj-sales::{name}") == {name: every[name]}
    whole = chartly_json(folder, "digest", "sales")
    assert whole["config"] == chartly_json(folder, "resolve", "sales")["configDigest"]
    assert whole["run"] not in (whole["config"], every[name])


def test_one_byte_changes_the_digest_and_a_comment_does_not(folder):
    before = chartly_json(folder, "digest", "sales")
    edit(folder / STORAGE, "retentionDays: 30", "# a comment\n  retentionDays: 30")
    assert chartly_json(folder, "digest", "sales") == before
    edit(folder / STORAGE, "retentionDays: 30", "retentionDays: 31")
    after = chartly_json(folder, "digest", "sales")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"storage/sales-events@1.0.0", "config", "run"}


def test_resolve_tells_where_each_profile_was_found(folder):
    (folder / "global" / "profiles").mkdir(parents=True)
    shutil.move(folder / STORAGE, folder / "global" / "profiles")
    document = chartly_json(folder, "resolve", "sales-onboard")
    found = {one["reference"].rpartition("::")[2]: one["foundIn"] for one in document["profiles"]}
    assert found["storage/sales-events@1.0.0"] == "global"
    assert found["connector/sales-http@1.0.0"] == "tenant-demo/proj-sales"
    assert document["project"] == "tenant-demo/proj-sales"
    assert [one["type"] for one in document["steps"]] == [
        "connector_sync",
        "normalize",
        "write_dataset",
        "analytics_query",
    ]
    assert "global" in chartly(folder, "resolve", "sales").out


def test_render_gives_custom_resources_that_read_back_the_same(folder, tmp_path):
    rendered = chartly(folder, "render").out
    documents = list(yaml.safe_load_all(rendered))
    assert [one["kind"] for one in documents] == ["Profile"] * 4 + ["Workflow"]
    assert {one["metadata"]["namespace"] for one in documents} == {"tenant-demo-proj-sales"}
    assert documents[0]["metadata"]["name"].endswith("-1.0.0")
    again = tmp_path / "again" / "profiles"
    again.mkdir(parents=True)
    (again / "all.yaml").write_text(rendered)
    assert chartly_json(again.parent, "digest", "sales-onboard") == chartly_json(
        folder, "digest", "sales-onboard"
    )
    one = chartly_json(folder, "render", str(folder / STORAGE))
    assert [each["metadata"]["name"] for each in one] == ["storage-sales-events-1.0.0"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert chartly(empty, "render").code == 3


def test_a_namespace_file_says_the_project(folder):
    (folder / "namespace.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n  labels:\n"
        "    chartly.io/tenant: tenant-demo\n    chartly.io/project: proj-sales\n"
    )
    path = folder / WORKFLOW
    path.write_text(path.read_text().replace("tenant-demo/proj-sales::", ""))
    assert chartly_json(folder, "resolve", "sales")["project"] == "tenant-demo/proj-sales"
    edit(folder / "namespace.yaml", "    chartly.io/project: proj-sales\n", "")
    assert "must be tenant/project" in chartly(folder, "validate").err
    edit(folder / "namespace.yaml", "    chartly.io/tenant: tenant-demo\n", "")
    assert (
        "names no project; give --project tenant/project" in chartly(folder, "resolve", "sales").err
    )


def test_a_domain_is_a_label_or_a_name_with_dashes_or_underscores(folder):
    edit(folder / WORKFLOW, "domain: sales", "domain: web_sales")
    for name in ("web_sales", "web-sales", "sales-onboard", "sales_onboard"):
        assert chartly(folder, "resolve", name).code == 0, name
    text = (folder / WORKFLOW).read_text()
    (folder / "workflows" / "two.yaml").write_text(text.replace("version: 1.0.0", "version: 2.0.0"))
    outcome = chartly(folder, "resolve", "web_sales")
    assert (outcome.code, "is in several files" in outcome.err) == (3, True)


def test_render_says_where_it_knows_no_namespace(folder):
    assert chartly(folder, "render").err == ""
    path = folder / WORKFLOW
    path.write_text(path.read_text().replace("tenant-demo/proj-sales::", ""))
    assert chartly(folder, "render").err.startswith("without namespaces: ")


def test_query_shows_the_rollup_with_exact_numbers(ran):
    sql = (
        "SELECT day, currency, orders, total_amount FROM sales_rollup_daily ORDER BY day, currency"
    )
    rows = chartly_json(ran, "query", sql)
    assert rows[0] == {
        "day": "2026-02-01T00:00:00Z", "currency": "EUR", "orders": 1, "total_amount": "7.25",
    }  # fmt: skip
    text = chartly(ran, "query", sql, "--limit", "2")
    assert text.out.splitlines()[0].split() == ["day", "currency", "orders", "total_amount"]
    assert len(text.out.splitlines()) == 4
    assert "these are the first 2 rows; raise --limit to see more" in text.err
    nulls = chartly(ran, "query", "SELECT NULL AS a, true AS b, 1.5 AS c")
    assert nulls.code == 0


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT amuont FROM sales_events", "nothing that the query reads has a column 'amuont'; did you mean 'amount'?"),
        ("SELECT e.amuont FROM sales_events AS e", "has a column 'e.amuont'; did you mean 'amount'?"),
        ("WITH a AS (SELECT 1 AS n) SELECT m FROM a", "query: nothing that the query reads has a column 'm'\n"),
        ("SELECT amount + event_id FROM sales_events", "query: the query cannot run: Illegal types "),
        ("SELECT * FROM sales-events", "line 1, column 15: the name of a table has '_' where that of its dataset has '-'; did you mean 'sales_events'?"),
        ("SELECT 1 FROM sales_events AS e, sales-events", "did you mean 'sales_events'?"),
        ("selct 1", "query: \"selct 1\" must be exactly one SELECT; did you mean 'select'?"),
        ("", 'query: "" must be exactly one SELECT\n'),
        ("SELECT * FROM sales_event", "did you mean 'sales_events'?"),
        ("SELECT 1 WHERE 1 IN system.one", "IN takes values"),
        ("DROP TABLE sales_events", 'query: "DROP TABLE sales_events" must be exactly one SELECT\n'),
    ],
)  # fmt: skip
def test_a_bad_query_is_the_users_mistake(ran, sql, says):
    """INV-10: not the store's."""
    outcome = chartly(ran, "query", sql)
    assert outcome.code == 3, outcome
    assert outcome.errors[0].startswith("error: ConfigInvalid: query: ")
    assert says in outcome.err
    assert not re.search(r"Code: |Exception|_[A-Z]+\)|the store refused", outcome.err)
    assert len(outcome.err.splitlines()) == 1


def test_rejects_of_a_run_without_any(ran):
    assert ": no rejects" in chartly(ran, "rejects", "sales").out


def test_status_answers_the_six_criteria(ran):
    document = chartly_json(ran, "status", "sales")
    assert [one["criterion"] for one in document] == [
        "profiles are versioned and validated",
        "ingestion runs deterministically on fixtures",
        "events match expectations",
        "storage policy is enforced",
        "analytics output is repeatable",
        "observability and audit evidence exist",
    ]
    assert all(one["holds"] for one in document)
    assert all(one["evidence"] for one in document)
    assert chartly(ran, "status", "sales").out.count("yes  ") == 6


def test_status_before_anything_ran_says_what_is_missing(folder):
    outcome = chartly(folder, "status", "sales")
    assert outcome.code == 21
    assert [line[:3] for line in outcome.out.splitlines()] == [
        "yes",
        "yes",
        "yes",
        "?  ",
        "?  ",
        "NO ",
    ]
    assert outcome.out.count("run a workflow first") == 3
    document = chartly(folder, "--output", "json", "status", "sales").document
    assert [one["holds"] for one in document] == [True, True, True, None, None, False]


def test_status_of_broken_fixtures(folder):
    edit(folder / GOLDEN, "USD", "EUR")
    assert "NO   events match expectations: " in chartly(folder, "status", "sales").out
    shutil.rmtree(folder / "fixtures")
    outcome = chartly(folder, "status", "sales")
    assert [line[:3] for line in outcome.out.splitlines()] == [
        "yes",
        "?  ",
        "?  ",
        "?  ",
        "?  ",
        "NO ",
    ]
    edit(folder / "profiles/normalizer-sales-default@1.0.0.yaml", "$.id", "$..[")
    assert "NO   profiles are versioned and validated: " in chartly(folder, "status", "sales").out


def test_audit_verify_and_show(ran):
    verdicts = chartly_json(ran, "audit", "verify")
    assert len(verdicts) == 2
    assert all(one["fault"] is None and one["entries"] > 0 for one in verdicts)
    assert "whole" in chartly(ran, "audit", "verify").out
    shown = chartly(ran, "audit", "show")
    assert "workflow.run.succeeded" in shown.out
    run = next((ran / ".chartly" / "runs").iterdir()).name
    assert chartly_json(ran, "audit", "show", run) == chartly_json(ran, "audit", "show")


def test_a_store_is_used_by_one_command_at_a_time(ran):
    script = (
        "import sys, pathlib\n"
        "from chartly.errors import Reason\n"
        "from chartly_spool.file_lock import FileLock\n"
        "FileLock(pathlib.Path(sys.argv[1]), 'it', Reason.STORE_UNAVAILABLE).acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(ran / ".chartly" / "lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        outcome = chartly(ran, "query", "SELECT 1")
        holder.stdin.close()
        assert holder.wait(30) == 0
    assert outcome.code == 11
    assert f"is in use by process {holder.pid}; wait for it or end it" in outcome.err
    assert chartly(ran, "query", "SELECT 1").code == 0
