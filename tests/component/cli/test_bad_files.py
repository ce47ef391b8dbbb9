"""What is wrong with files is told before anything starts: INV-10, and the list of bad input."""

import json
from pathlib import Path

import pytest

from support.command import chartly, edit, sales_folder

CONNECTOR = "profiles/connector-sales-http@1.0.0.yaml"
NORMALIZER = "profiles/normalizer-sales-default@1.0.0.yaml"
STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
ANALYTICS = "profiles/analytics-sales-daily-rollup@1.0.0.yaml"
WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"
SELECT = "date_trunc('day', occurred_at) AS day"

STAMP = "op: toUtcTimestamp\n      field: occurred_at"
TABLE = [
    # because, file, old, new, reason, what the sentence says
    ("malformed YAML", STORAGE, "  dataset: sales-events", "  dataset: [sales", "ConfigInvalid", ["profiles/storage-sales-events@1.0.0.yaml:12: column", "not YAML"]),
    ("a duplicate key", STORAGE, "  retentionDays: 30", "  retentionDays: 30\n  retentionDays: 31", "ConfigInvalid", ["'retentionDays' is given twice"]),
    ("an unknown field", STORAGE, "retentionDays", "retentionDay", "ConfigInvalid", ["unknown field 'retentionDay'", "did you mean 'retentionDays'?"]),
    ("an unknown kind", STORAGE, "kind: Profile", "kind: Profil", "ConfigInvalid", ['kind: "Profil" is not known', "did you mean 'Profile'?"]),
    ("an unknown step", WORKFLOW, "type: normalize", "type: normalise", "ConfigInvalid", ['spec.steps[1].type: "normalise" is not one of', "did you mean 'normalize'?"]),
    ("an unknown op", NORMALIZER, "op: toNumber", "op: toNumbr", "ConfigInvalid", ['spec.transforms[0].op: "toNumbr" is not one of', "did you mean 'toNumber'?"]),
    ("a missing profile", WORKFLOW, "storage/sales-events@1.0.0", "storage/sales-event@1.0.0", "ProfileNotFound", ['yaml:15: workflow sales-onboard@1.0.0: spec.steps[2].storage_profile: "tenant-demo/proj-sales::storage/sales-event@1.0.0" is not there', "did you mean 'storage/sales-events@1.0.0'?"]),
    ("a missing profile, the only one of its kind", WORKFLOW, "connector/sales-http@1.0.0", "connector/orders-events@2.0.0", "ProfileNotFound", ['connector/orders-events@2.0.0" is not there; did you mean \'connector/sales-http@1.0.0\'?']),
    ("a missing version", WORKFLOW, "storage/sales-events@1.0.0", "storage/sales-events@1.0.1", "ProfileNotFound", ["did you mean 'storage/sales-events@1.0.0'?"]),
    ("a cross-project reference", WORKFLOW, "tenant-demo/proj-sales::storage", "tenant-demo/proj-other::storage", "NotAProject", ["--project tenant/project"]),
    ("@latest", WORKFLOW, "storage/sales-events@1.0.0", "storage/sales-events@latest", "ConfigInvalid", ["'latest'", "x.y.z"]),
    ("a version range", WORKFLOW, "storage/sales-events@1.0.0", "storage/sales-events@^1.0.0", "ConfigInvalid", ["'^1.0.0'"]),
    ("a version with a v", STORAGE, "version: 1.0.0", "version: v1.0.0", "ConfigInvalid", ["v1.0.0"]),
    ("a version that is a number", STORAGE, "version: 1.0.0", "version: 1.0", "ConfigInvalid", ['metadata.version: 1.0 must be text in quotes; "1.0" is not allowed: write an exact version x.y.z', "such as '1.0.0'"]),
    ("a bad path", NORMALIZER, "$.totals.amount", "$.totals..[amount", "ConfigInvalid", ["amount", "column"]),
    ("an unknown reference kind", WORKFLOW, "::storage/", "::storag/", "ConfigInvalid", ["storag", "connector, normalizer, storage, analytics"]),
    ("a profile of the wrong kind", WORKFLOW, "::storage/sales-events", "::connector/sales-http", "ConfigInvalid", ["a write_dataset step takes a storage profile"]),
    ("a wrong step order", WORKFLOW, "type: connector_sync\n      connector_profile", "type: analytics_query\n      analytics_profile", "ConfigInvalid", ["an analytics_query step takes an analytics profile"]),
    ("a URL that is no URL", CONNECTOR, 'baseUrl: "https://api.example.invalid"', 'baseUrl: "ftp://api.example.invalid"', "ConfigInvalid", ["baseUrl"]),
    ("a URL without TLS", CONNECTOR, 'baseUrl: "https://api.example.invalid"', 'baseUrl: "http://api.example.invalid"', "ConfigInvalid", ['yaml:12: connector/sales-http@1.0.0: spec.transport.baseUrl: "http://api.example.invalid" must be https']),
    ("a host that is not listed", CONNECTOR, '- "api.example.invalid"', '- "api.exmaple.invalid"', "ConfigInvalid", ['yaml:12: connector/sales-http@1.0.0: spec.transport.baseUrl: "https://api.example.invalid" has a host that is not in egressPolicy.dnsAllowlist', "did you mean 'api.exmaple.invalid'?"]),
    ("a name with capitals", NORMALIZER, "canonicalEventType: sales.event", "canonicalEventType: Sales.Event", "ConfigInvalid", ['spec.canonicalEventType: "Sales.Event" is not allowed; it takes lower-case letters, digits, dots']),
    ("a credential in a header", CONNECTOR, 'Accept: "application/json"', 'Authorization: "Bearer abc"', "ConfigInvalid", ["Authorization"]),
    ("a required field that nothing maps", NORMALIZER, "    - currency\n", "    - currenzy\n", "ConfigInvalid", ["currenzy"]),
    ("two statements", ANALYTICS, "GROUP BY 1,2", "GROUP BY 1,2; DROP TABLE x", "ConfigInvalid", ["yaml:26: analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: line 8, column 13: ';' is not allowed"]),
    ("a function that does not repeat", ANALYTICS, SELECT, "now() AS day", "ConfigInvalid", ["yaml:20: analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: line 2, column 3: now() is not repeatable"]),
    ("a table that is not declared", ANALYTICS, "FROM {{dataset}}", "FROM {{dataset}}, other", "ConfigInvalid", [": spec.queryTemplate.text: line 6, column ", "table other"]),
    ("a column that is not there", ANALYTICS, "sum(amount) AS total_amount", "sum(amuont) AS total_amount", "ConfigInvalid", ["yaml:23: analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: line 5, column 7: the dataset has no column 'amuont'; did you mean 'amount'?"]),
    ("a form with the machine's zone", NORMALIZER, STAMP, f'{STAMP}\n      formats: ["%Y-%m-%d %H:%M:%S %Z"]', "ConfigInvalid", ['formats[0]: "%Y-%m-%d %H:%M:%S %Z" holds %Z; allowed are %Y']),
    ("a form without a year", NORMALIZER, STAMP, f'{STAMP}\n      formats: [unix, "%d.%m. %H:%M"]', "ConfigInvalid", ['formats[1]: "%d.%m. %H:%M" names no year (%Y)']),
    ("a form of a week", NORMALIZER, STAMP, f'{STAMP}\n      formats: ["%Y-W%W"]', "ConfigInvalid", ['formats[0]: "%Y-W%W" holds %W']),
    ("what no code serves", CONNECTOR, "mode: bearer", "mode: basic", "NotServed", ['spec.auth.mode: "basic"']),
    ("a float", STORAGE, "retentionDays: 30", "retentionDays: 30.5", "ConfigInvalid", ["retentionDays", "30.5"]),
    ("a tag", STORAGE, "dataset: sales-events", "dataset: !!python/name:os.system x", "ConfigInvalid", ["tag"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "reason", "says"),
    [case[1:] for case in TABLE],
    ids=[case[0] for case in TABLE],
)
def test_a_mistake_gets_one_sentence_and_a_code_whatever_finds_it(
    tmp_path, file, old, new, reason, says
):
    """INV-10: the object, the field, the value and what is allowed; no stack trace."""
    folder = sales_folder(tmp_path / "sales", {file: (old, new)})
    validated = chartly(folder, "validate")
    assert validated.code == 3, validated
    joined = "\n".join(validated.errors)
    for part in says:
        assert part in joined, validated
    assert "Traceback" not in validated.err
    assert "\nerror" not in joined or len(validated.errors) > 1
    ran = chartly(folder, "run", "sales-onboard")
    assert ran.code == 3, ran
    assert f"error: {reason}: " in ran.err
    for part in says:
        assert part in ran.err
    assert not (folder / ".chartly" / "runs").exists(), "nothing may start"


def test_every_mistake_of_every_file_is_told_at_once(tmp_path):
    folder = sales_folder(tmp_path / "sales", {
        CONNECTOR: ("timeoutMs", "timeoutMS"),
        NORMALIZER: ("canonicalEventType", "canonicalEvent"),
        STORAGE: ("granularity: day", "granularity: weekly"),
    })  # fmt: skip
    outcome = chartly(folder, "validate")
    assert outcome.code == 3
    joined = "\n".join(outcome.errors)
    assert "did you mean 'timeoutMs'?" in joined
    assert "canonicalEventType" in joined
    assert '"weekly" is not one of hour, day' in joined
    told = chartly(folder, "--output", "json", "validate")
    assert told.code == 3
    assert len(told.document["problems"]) == len(outcome.errors)


@pytest.mark.parametrize(
    ("because", "content", "says"),
    [
        ("not UTF-8", b"kind: \xff\xfe", "is not UTF-8"),
        ("a list", b"- a\n", "must be an object"),
        ("no kind", b"a: 1\n", "kind: is required; allowed are Profile"),
        ("too large", b"a: " + b"x" * 1_100_000, "is larger than"),
    ],
)  # fmt: skip
def test_files_that_are_not_objects(tmp_path, because, content, says):
    folder = sales_folder(tmp_path / "sales")
    (folder / "profiles" / "odd.yaml").write_bytes(content)
    outcome = chartly(folder, "validate")
    assert outcome.code == 3
    assert f"profiles/odd.yaml: {says}" in outcome.err or says in outcome.err, because


def test_a_cross_project_reference_is_refused_where_the_project_is_known(tmp_path):
    folder = sales_folder(
        tmp_path / "sales", {WORKFLOW: ("tenant-demo/proj-sales::storage", "other/p::storage")}
    )
    outcome = chartly(folder, "--project", "tenant-demo/proj-sales", "validate")
    assert outcome.code == 3
    assert (
        "names project other/p, but the workflow belongs to tenant-demo/proj-sales" in outcome.err
    )
    ran = chartly(folder, "--project", "tenant-demo/proj-sales", "run", "sales")
    assert ran.errors[0].startswith("error: CrossProjectReference: ")


def test_steps_in_another_order_are_refused(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    path = folder / WORKFLOW
    head, _, steps = path.read_text().partition("  steps:\n")
    sync, normalize, write, query = (
        "    - type:" + one for one in steps.split("    - type:") if one.strip()
    )
    for order in (
        [normalize, sync, write],
        [sync, write, normalize],
        [sync, query, normalize, write],
        [sync, sync, normalize, write],
        [sync],
    ):
        path.write_text(head + "  steps:\n" + "".join(order))
        outcome = chartly(folder, "validate")
        assert outcome.code == 3, order
        assert "workflow sales-onboard@1.0.0: spec.steps: " in outcome.err


def test_one_version_with_two_contents_is_refused(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    for name, old, new in ((STORAGE, "30", "31"), (WORKFLOW, "enabled: true", "enabled: false")):
        text = (folder / name).read_text()
        other = (folder / name).with_name("other.yaml")
        other.write_text(text.replace(old, new))
        outcome = chartly(folder, "validate")
        assert outcome.code == 3, name
        assert "differs from the same version in" in outcome.err
        assert "give the changed one a new version" in outcome.err
        other.unlink()


def test_two_workflows_may_not_write_one_dataset(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    text = (folder / WORKFLOW).read_text()
    (folder / "workflows" / "two.yaml").write_text(text.replace("sales-onboard", "sales-again"))
    outcome = chartly(folder, "validate")
    assert outcome.code == 3
    assert "dataset 'sales-events' is already written by workflow" in outcome.err
    assert "a dataset has one writer" in outcome.err


def test_nothing_to_check_is_a_mistake_too(tmp_path):
    outcome = chartly(tmp_path, "validate")
    assert (outcome.code, "holds no profiles/" in outcome.err) == (3, True)


def test_a_folder_that_is_missing_or_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for command in (
        ["validate"],
        ["run", "sales"],
        ["digest"],
        ["doctor"],
        ["test"],
        ["status", "x"],
    ):
        for name, why in (("none", "does not exist"), ("file", "is not a folder")):
            outcome = chartly(tmp_path / name, *command)
            assert outcome.code == 3, command
            assert outcome.err == f"error: ConfigInvalid: {tmp_path / name}: {why}\n"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("run", "sales"), 'workflow: "sales" is not in {folder}; it holds no workflow'),
        (("digest",), "{folder}: holds no profile"),
        (("validate",), "{folder}: holds no profiles/ and workflows/ to check"),
        (
            ("query", "SELECT 1"),
            "{folder}: holds no workflow; give --project tenant/project, or -C with the folder of one",
        ),
    ],
)
def test_a_folder_inside_of_a_workspace_names_the_workspace(tmp_path, monkeypatch, command, says):
    folder = sales_folder(tmp_path / "sales")
    monkeypatch.chdir(folder / "profiles")
    outcome = chartly(Path(), *command)
    hint = f"; the folder above holds a workspace: -C {folder}"
    assert outcome.code == 3
    assert outcome.errors[0].endswith(says.format(folder=folder / "profiles") + hint)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert chartly(empty, *command).errors[0].endswith(says.format(folder=empty))


def test_named_files_are_checked_alone(tmp_path):
    folder = sales_folder(tmp_path / "sales", {STORAGE: ("retentionDays", "retentionDay")})
    assert chartly(folder, "validate", str(folder / CONNECTOR)).out == "1 object is valid\n"
    assert chartly(folder, "validate", str(folder / STORAGE)).code == 3
    gone = chartly(folder, "validate", str(folder / "none.yaml"))
    assert (gone.code, "cannot be read" in gone.err) == (3, True)
    edit(folder / CONNECTOR, "mode: bearer", "mode: basic")
    assert "is not served" in chartly(folder, "validate", str(folder / CONNECTOR)).err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nonsense",), 2, "error: UsageError: No such command 'nonsense'\nTry 'chartly --help'\n"),
        (("valdate",), 2, "error: UsageError: No such command 'valdate'; did you mean 'validate'?\n"),
        (("run",), 2, "error: UsageError: Missing argument 'workflow'\nTry 'chartly run --help'\n"),
        (("run", "a", "b"), 2, "error: UsageError: Got unexpected extra argument(s) (b)\n"),
        (("run", "a", "--windw"), 2, "error: UsageError: No such option: --windw (Possible options: --window)\n"),
        (("run", "a", "--window", "b"), 2, "error: UsageError: Option '--window' requires 2 arguments\n"),
        (("audit", "x"), 2, "error: UsageError: No such command 'x'\nTry 'chartly audit --help'\n"),
        (("--output", "xml", "doctor"), 2, 'error: UsageError: --output: "xml" must be text or json\n'),
        (("query", "SELECT 1", "--limit", "0"), 2, 'error: UsageError: --limit: "0" must be a whole number from 1 to 1000000\n'),
        (("query", "SELECT 1", "--limit", "x"), 2, 'error: UsageError: --limit: "x" must be a whole number from 1 to 1000000\n'),
        (("demo", "--rows", "0"), 2, 'error: UsageError: --rows: "0" must be a whole number of at least 1\n'),
        ((), 2, ""),
        (("run", "sale"), 3, "did you mean 'sales'?"),
        (("digest", "storage/sales-event@1.0.0"), 3, "did you mean 'storage/sales-events@1.0.0'?"),
        (("deprecate", "storage/x@1.0.0", "--because", "old"), 3, "is not in"),
        (("--project", "x", "validate"), 3, "must be tenant/project"),
        (("run", "sales", "--window", "a", "b"), 3, "it takes two RFC 3339 instants"),
        (("run", "sales", "--window", "2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z"), 3, "start must be before end"),
        (("run", "sales", "--window", "2026-02-01", "2026-02-02"), 3, "needs an offset"),
        (("run", "sales", "--window", "2026-W05-1T00:00:00Z", "2026-02-02T00:00:00Z"), 3, "must be an RFC 3339 instant"),
        (("run", "sales", "--window", "2026-02-01T00:00:00+10:60", "2026-02-02T00:00:00Z"), 3, "must be an RFC 3339 instant"),
        (("query", "SELECT 1"), 3, "run a workflow first"),
        (("rejects", "sales"), 3, "run a workflow first"),
        (("audit", "verify"), 3, "run a workflow first"),
        (("audit", "show"), 3, "run a workflow first"),
        (("conformance",), 3, "conformance --update"),
        (("test", "nothing"), 3, "is not in"),
        (("render", "none.yaml"), 3, "cannot be read"),
    ],
)  # fmt: skip
def test_bad_arguments(tmp_path, arguments, code, says):
    folder = sales_folder(tmp_path / "sales")
    outcome = chartly(folder, *arguments)
    assert outcome.code == code, outcome
    assert says in outcome.err + outcome.out
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("run",), ("query", "SELECT 1", "--limit", "0"), ("audit", "x")]
)
def test_bad_arguments_are_problems_in_json(tmp_path, arguments):
    outcome = chartly(sales_folder(tmp_path / "sales"), "--output", "json", *arguments)
    (problem,) = json.loads(outcome.out)["problems"]
    assert (outcome.code, problem["reason"]) == (2, "UsageError")
    assert problem["message"] in outcome.err


def test_a_missing_secret_is_named_with_its_file(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    secret = folder / ".chartly" / "secrets" / "sales-http" / "token"
    secret.unlink()
    ran = chartly(folder, "run", "sales")
    assert ran.code == 3
    assert ran.errors == [
        f"error: SecretMissing: secret: 'sales-http' key 'token' of connector 'sales-http': it is missing; put its value into {secret}"
    ]
    doctor = chartly(folder, "doctor")
    assert doctor.code == 3
    assert (
        f"FAIL  secret: 'sales-http' key 'token' of connector 'sales-http': it is missing; put its value into {secret}"
        in doctor.out
    )


def test_a_workflow_without_a_project_says_how_to_give_one(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    path = folder / WORKFLOW
    path.write_text(path.read_text().replace("tenant-demo/proj-sales::", ""))
    outcome = chartly(folder, "resolve", "sales")
    assert outcome.code == 3
    assert outcome.errors[0].startswith("error: NotAProject: ")
    assert "--project tenant/project, or put a namespace.yaml" in outcome.err
    assert chartly(folder, "--project", "tenant-demo/proj-sales", "resolve", "sales").code == 0


def test_a_suspended_workflow_is_valid_and_starts_nothing(tmp_path):
    folder = sales_folder(
        tmp_path / "sales", {WORKFLOW: ("spec:\n  steps", "spec:\n  suspend: true\n  steps")}
    )
    assert chartly(folder, "validate").code == 0
    ran = chartly(folder, "run", "sales")
    assert ran.code == 3
    assert "spec.suspend is true" in ran.err
    assert not (folder / ".chartly" / "runs").exists(), "nothing may start"


@pytest.mark.parametrize("suffix", [".YAML", ".Yml", ".YML"])
def test_a_file_is_read_however_its_ending_is_spelled(tmp_path, suffix):
    folder = sales_folder(tmp_path / "sales", {STORAGE: ("retentionDays: 30", "retentionDays: 0")})
    path = folder / STORAGE
    path.rename(path.with_suffix(suffix))
    outcome = chartly(folder, "validate")
    assert (outcome.code, f"{path.stem}{suffix}:12: storage/" in outcome.err) == (3, True)


def test_every_command_tells_the_same_problem_as_an_object(tmp_path):
    """INV-10: one mistake has one reason, one place and one sentence, whatever finds it."""
    folder = sales_folder(
        tmp_path / "sales", {WORKFLOW: ("storage/sales-events@1.0.0", "storage/sales-event@1.0.0")}
    )
    found = [
        chartly(folder, "--output", "json", *command).document["problems"]
        for command in (("validate",), ("run", "sales"), ("test", "sales"), ("conformance",))
    ]
    assert found == [found[0]] * 4
    (problem,) = found[0]
    assert problem["reason"] == "ProfileNotFound"
    assert problem["source"] == WORKFLOW
    assert problem["line"] == 15
    assert problem["object"] == "workflow sales-onboard@1.0.0"
    assert problem["path"] == "spec.steps[2].storage_profile"
    assert problem["value"] == "tenant-demo/proj-sales::storage/sales-event@1.0.0"
    assert "storage/sales-events@1.0.0" in problem["allowed"]
    assert problem["message"].endswith("did you mean 'storage/sales-events@1.0.0'?")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("query", "SELECT 1"), "holds no workflow; give --project tenant/project, or -C"),
        (("audit", "show"), "holds no workflow; give --project tenant/project, or -C"),
        (("run", "sales"), "; it holds no workflow"),
        (("deprecate", "storage/x@1.0.0", "--because", "old"), "; there is no storage profile"),
        (("digest", "storage/x@1.0.0"), ": holds no profile"),
    ],
)
def test_a_folder_that_holds_nothing_is_named_whole(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    outcome = chartly(Path(), *arguments)
    assert outcome.code == 3, outcome
    assert str(tmp_path) in outcome.err
    assert says in outcome.err
