"""Runs against a real HTTPS server: what the API may do, and what is said and kept of it."""

import gzip
import json
import re
from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chartly.errors import REASONS, Reason
from chartly.load.dataset_tables import rejected_table
from chartly.load.sql import qualified
from chartly_cli.store_binding import FolderBinding
from chartly_folder.object_files import read_workspace
from chartly_loader.attempt_audit import AttemptAudit
from support.command import TOKEN, chartly, chartly_json, edit, sales_folder
from support.profiles import HOME
from support.sales_api import Answer, in_order, pages_of, sale, serving

CONNECTOR = "profiles/connector-sales-http@1.0.0.yaml"
FAST = {CONNECTOR: ("backoffMs: 500", "backoffMs: 10")}
COUNTED = ("loaded", "rejected", "duplicate", "filtered", "late")
TOTALS = "SELECT count() AS n, uniqExact(event_id) AS keys, sum(amount) AS total FROM sales_events"


def holds_inv_4(counts):
    """INV-4: read = loaded + rejected + duplicate + filtered + late."""
    return counts["read"] == sum(counts[name] for name in COUNTED)


def failed(outcome, code, reason):
    """The document of a run that ended so; the reason stands in it, or on standard error."""
    assert outcome.code == code, outcome
    assert "Traceback" not in outcome.err
    assert outcome.document["reason"] == reason
    assert holds_inv_4(outcome.document["counts"])
    return outcome.document


@pytest.fixture
def folder(tmp_path):
    return sales_folder(tmp_path / "sales", FAST)


def test_a_run_loads_every_record_and_a_second_run_changes_nothing(tmp_path, folder):
    """INV-4 and INV-5: run twice, not a row more and the same fingerprints."""
    records = [sale(n) for n in range(60)]
    records.append(sale(7))
    records.append({key: value for key, value in sale(61).items() if key != "id"})
    records.append(sale(62, totals={"amount": "100000000000000.01", "currency": "USD"}))
    records.append(sale(63, totals={"amount": "NaN", "currency": "USD"}))
    records.append(sale(64, timestamp="2026-02-02T12:00:00"))
    with serving(tmp_path, in_order(pages_of(records, 10))) as api:
        first = chartly_json(folder, "run", "sales", *api.options)
        rows = chartly_json(folder, "query", TOTALS)
        second = chartly_json(folder, "run", "sales", *api.options)
    assert first["reason"] == "Succeeded"
    assert first["counts"]["read"] == 65
    assert first["counts"]["loaded"] == 61
    assert first["counts"]["duplicate"] == 1
    assert first["counts"]["rejected"] == 3
    assert holds_inv_4(first["counts"])
    expected = sum(Decimal(f"{n}.25") for n in range(60)) + Decimal("100000000000000.01")
    assert rows == [{"n": 61, "keys": 61, "total": str(expected)}]
    assert chartly_json(folder, "query", TOTALS) == rows
    assert [one["fingerprint"] for one in second["outputs"]] == [
        one["fingerprint"] for one in first["outputs"]
    ]
    assert first["audited"]
    assert second["audited"]
    assert {one.authorization for one in api.asked} == {f"Bearer {TOKEN}"}
    rejects = chartly_json(folder, "rejects", "sales")
    assert sorted((one["reason"], one["field"]) for one in rejects["rejects"]) == [
        ("NotANumber", "amount"),
        ("RequiredFieldMissing", "event_id"),
        ("TimestampAmbiguous", "occurred_at"),
    ]
    assert rejects["run"] == second["run"]
    shown = chartly(folder, "rejects", "sales").out
    for record in rejects["rejects"]:
        clipped = (
            record["record"] if len(record["record"]) <= 200 else record["record"][:200] + "..."
        )
        lines = {
            f"{name:<7}  {record[name]}".rstrip() for name in ("reason", "field", "path", "raw_ref")
        }
        assert lines | {f"record   {clipped}"} <= {line.rstrip() for line in shown.splitlines()}


def test_the_summary_says_what_a_person_wants_to_know(tmp_path, folder):
    with serving(tmp_path, in_order(pages_of([sale(1), sale(2)], 1))) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    assert outcome.code == 0
    said = outcome.out
    assert "read 2 = loaded 2 + rejected 0 + duplicate 0 + filtered 0 + late 0" in said
    assert re.search(r"run +sales-onboard-[a-z0-9]{6} of sales-onboard@1.0.0", said)
    assert re.search(r"output sales-rollup-daily +2 rows, 2 windows computed, fingerprint ", said)
    assert re.search(r"audit +complete, head [0-9a-f:sh]+", said)
    assert "config digest" in said


def test_a_run_that_fails_has_whole_evidence_too(tmp_path, folder):
    with serving(tmp_path, always(Answer(b"{}", 401))) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    assert outcome.code == REASONS[Reason.AUTH_REJECTED].exit_code, outcome
    assert re.search(r"audit +complete, head [0-9a-f:sh]+", outcome.out)


def test_a_run_whose_evidence_does_not_read_back_is_no_success(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(AttemptAudit, "reads_back", lambda *_: False)
    with serving(tmp_path, in_order(pages_of([sale(1)], 1))) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    document = failed(outcome, REASONS[Reason.EVIDENCE_MISSING].exit_code, "EvidenceMissing")
    assert document["counts"]["loaded"] == 1
    result = folder / ".chartly" / "runs" / document["run"] / "result.json"
    assert json.loads(result.read_bytes())["reason"] == "EvidenceMissing"


def test_a_run_leaves_its_intent_snapshot_result_metrics_and_evidence(tmp_path, folder):
    with serving(tmp_path, in_order(pages_of([sale(1)], 1))) as api:
        document = chartly_json(folder, "run", "sales", *api.options)
    run = folder / ".chartly" / "runs" / document["run"]
    assert {path.name for path in run.iterdir()} == {
        "run.json",
        "snapshot.json",
        "result.json",
        "metrics.prom",
        "connector.log",
    }
    intent = json.loads((run / "run.json").read_bytes())
    pin = f"api.example.invalid:443=127.0.0.1:{api.port}"
    assert intent["evidence"] == {"connectTo": [pin], "cacert": str(api.cacert)}
    assert intent["config_digest"] == document["configDigest"]
    events = chartly_json(folder, "audit", "show")
    started = next(one for one in events if one["type"] == "workflow.run.started")
    assert started["data"]["connectTo"] == [pin]
    kinds = {one["type"] for one in events}
    assert {
        "connector.profile.resolved",
        "connector.run.started",
        "connector.run.succeeded",
        "workflow.run.succeeded",
        "dataset.updated",
        "analytics.query.executed",
    } <= kinds
    metrics = (run / "metrics.prom").read_text()
    age = datetime.now(UTC) - datetime.fromisoformat(document["newest"]["sales-events"])
    (told,) = re.findall(r"chartly_dataset_freshness_seconds\{.*\} (\S+)", metrics)
    assert age.total_seconds() - 300 < float(told) <= age.total_seconds()
    assert 'chartly_connector_requests_total{code="200"' in metrics
    assert (folder / ".chartly" / ".gitignore").read_text() == "*\n"
    assert chartly(folder, "audit", "verify").code == 0


def always(answer):
    return lambda _number, _asked: answer


def first_then(answer, pages):
    """One answer to the first request, then the pages."""
    rest = in_order(pages)
    return lambda number, asked: answer if number == 0 else rest(number, asked)


PAGE = json.dumps({"data": [sale(1)], "next_cursor": None}).encode()


@pytest.mark.parametrize(
    ("answer", "code", "reason", "says", "requests"),
    [
        (Answer(b"{}", 401), 5, "AuthRejected", "401", 1),
        (Answer(b"{}", 403), 5, "AuthRejected", "403", 1),
        (Answer(b"{}", 404), 10, "UpstreamUnavailable", "404", 1),
        (Answer(b"{}", 500), 10, "UpstreamUnavailable", "500", 3),
        (Answer(b"{}", 503, {"Retry-After": "86400"}), 10, "UpstreamUnavailable", "86400", 1),
        (Answer(PAGE[:30], length=len(PAGE)), 10, "UpstreamUnavailable", "cut short", 3),
        (Answer(PAGE[:30]), 10, "UpstreamUnavailable", "JSON", 3),
        (Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}), 10, "UpstreamUnavailable", "JSON", 3),
        (Answer(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}), 23, "LimitReached", "maxPayloadBytes", 1),
        (Answer(b"", 302, {"Location": "https://elsewhere.example.invalid/"}), 4, "EgressDenied", "elsewhere.example.invalid", 1),
        (Answer(b"", 302, {"Location": "http://169.254.169.254/latest"}), 4, "EgressDenied", "169.254.169.254", 1),
        (Answer(b'{"a": [], "b": []}'), 3, "ConfigInvalid", "records.path", 1),
    ],
    ids=["401", "403", "404", "500", "Retry-After a day", "truncated", "half JSON", "HTML", "gzip bomb", "redirect away", "redirect to metadata", "no records"],
)  # fmt: skip
def test_what_the_api_gets_wrong_has_a_code_and_one_sentence(
    tmp_path, folder, answer, code, reason, says, requests
):
    """Nothing is loaded, nothing half-visible; the audit trail says how it failed."""
    with serving(tmp_path, always(answer)) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    document = failed(outcome, code, reason)
    assert says in document["message"]
    assert "\n" not in document["message"]
    assert len(api.asked) == requests
    assert document["counts"]["loaded"] == 0
    assert chartly(folder, "audit", "verify").code == 0
    kinds = [one["type"] for one in chartly_json(folder, "audit", "show")]
    assert "connector.run.failed" in kinds
    assert kinds[-1] == "workflow.run.failed"


def test_a_failure_is_told_on_standard_error_beside_the_summary(tmp_path, folder):
    with serving(tmp_path, always(Answer(b"{}", 401))) as api:
        outcome = chartly(folder, "run", "sales", *api.options)
    assert outcome.code == 5
    assert len(outcome.errors) == 1
    assert outcome.errors[0].startswith("error: AuthRejected: ")
    assert "read 0 = loaded 0" in outcome.out


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"{}", 500),
        Answer(b"{}", 429, {"Retry-After": "0"}),
        Answer(PAGE[:30], length=len(PAGE)),
        Answer(b"<html>", headers={"Content-Type": "text/html"}),
    ],
    ids=["500", "429", "truncated", "HTML"],
)
def test_what_passes_is_tried_again(tmp_path, folder, answer):
    pages = pages_of([sale(n) for n in range(4)], 2)
    with serving(tmp_path, first_then(answer, pages)) as api:
        document = chartly_json(folder, "run", "sales", *api.options)
    assert document["counts"]["loaded"] == 4
    assert document["counters"]["retries"] == 1
    assert document["counters"]["requests"] == 3


def test_a_cursor_that_comes_again_ends_the_run_and_keeps_the_pages(tmp_path, folder):
    def script(number, _asked):
        records = [sale(number)]
        return Answer(json.dumps({"data": records, "next_cursor": f"c{number % 3}"}).encode())

    with serving(tmp_path, script) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    document = failed(outcome, 22, "PaginationLoop")
    assert len(api.asked) <= 5
    assert document["counts"]["loaded"] == document["counts"]["pages"] == len(api.asked)
    assert document["outputs"] == []


def test_a_host_that_is_not_there_and_one_that_does_not_answer(tmp_path, folder):
    outcome = chartly(folder, "--output", "json", "run", "sales")
    document = failed(outcome, 10, "UpstreamUnavailable")
    seen = "; see transport.baseUrl of connector 'sales-http' (after "
    assert (
        "https://api.example.invalid/: cannot resolve host 'api.example.invalid': "
        in document["message"]
    )
    assert seen in document["message"]
    pin = "api.example.invalid:443=127.0.0.1:1"
    outcome = chartly(folder, "--output", "json", "run", "sales", "--connect-to", pin)
    document = failed(outcome, 10, "UpstreamUnavailable")
    assert (
        "cannot connect to host 'api.example.invalid' at 127.0.0.1 port 1: Connection refused"
        f"{seen}" in document["message"]
    )


def test_without_the_ca_the_server_is_not_trusted_and_sees_no_credential(tmp_path, folder):
    """INV-6: TLS is verified before anything is said."""
    with serving(tmp_path, in_order([PAGE])) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options[:2])
        document = failed(outcome, 10, "UpstreamUnavailable")
    assert document["message"].endswith(
        ": TLS: unable to get local issuer certificate; to trust the CA that issued the certificate, "
        "give its PEM file with --cacert"
    )
    assert api.asked == []


def test_a_private_address_is_refused_without_connect_to(tmp_path, folder):
    """INV-7: a name that stands for loopback is not reached."""
    edit(folder / CONNECTOR, "api.example.invalid", "localhost")
    outcome = chartly(folder, "--output", "json", "run", "sales")
    document = failed(outcome, 4, "EgressDenied")
    assert "host 'localhost': 127.0.0.1" in document["message"]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--connect-to", "nonsense", '--connect-to: "nonsense" must be HOST:PORT=ADDR:PORT'),
        ("--connect-to", "a:1=b", '--connect-to: "a:1=b" must be HOST:PORT=ADDR:PORT'),
        ("--cacert", "none.pem", '--cacert: "none.pem" must be a file of PEM certificates; it cannot be read: No such file or directory'),
        ("--cacert", "/dev/null", '--cacert: "/dev/null" must be a file of PEM certificates'),
    ],
)  # fmt: skip
def test_options_for_tests_are_checked(folder, option, value, says):
    outcome = chartly(folder, "run", "sales", option, value)
    assert outcome.code == 3, outcome
    assert outcome.errors[0].startswith("error: ConfigInvalid: ")
    assert says in outcome.err
    assert not (folder / ".chartly" / "runs").exists(), "no attempt may start"


def test_a_secret_may_name_the_origins_that_it_goes_to(tmp_path, folder):
    """INV-6: a credential reaches only its own origin."""
    secret = folder / ".chartly" / "secrets" / "sales-http"
    (secret / "allowed-origins").write_text("https://other.example\n")
    with serving(tmp_path, in_order([PAGE])) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    failed(outcome, 7, "SecretOriginRefused")
    assert api.asked == []


def test_a_secret_is_never_seen_anywhere_but_in_its_file(tmp_path, folder):
    """INV-6: no log, event, error, metric, snapshot, table or output holds it."""
    echo = json.dumps({"data": [sale(1)], "next_cursor": None, "seen": TOKEN}).encode()
    said = ""
    for script in (
        in_order([echo]),
        always(Answer(TOKEN.encode(), 401, {"X-Echo": TOKEN})),
        always(Answer(TOKEN.encode(), 500)),
        always(Answer(f"<html>{TOKEN}".encode())),
        always(Answer(b"", 302, {"Location": f"https://{TOKEN}.example.invalid/"})),
    ):
        with serving(tmp_path, script) as api:
            for form in ("json", "text"):
                outcome = chartly(folder, "--output", form, "run", "sales", *api.options)
                assert outcome.code in {0, 4, 5, 10}, outcome
                said += outcome.out + outcome.err
    for arguments in (("audit", "show"), ("status", "sales"), ("doctor",), ("rejects", "sales")):
        outcome = chartly(folder, *arguments)
        said += outcome.out + outcome.err
    assert TOKEN not in said
    secret = folder / ".chartly" / "secrets" / "sales-http" / "token"
    holding = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path != secret and TOKEN.encode() in path.read_bytes()
    ]
    assert holding == []


def test_inv_6_a_credential_that_the_api_echoes_reaches_no_table(tmp_path, folder):
    """In records, rejects and cursors, in other cases and encodings; and the run goes on."""
    spelled = [
        TOKEN,
        TOKEN.upper(),
        "".join(f"%{byte:02x}" for byte in TOKEN.encode()),
        b64encode(f"user:{TOKEN}".encode()).decode(),
    ]
    records = [sale(n, id=f"sale {n}: {text}") for n, text in enumerate(spelled)]
    wrong = [sale(9, totals={"amount": f"no {text}", "currency": "USD"}) for text in spelled]
    cursor = f"2:{TOKEN.upper()}"
    pages = {
        None: {"data": records, "next_cursor": cursor},
        cursor: {"data": wrong, "next_cursor": None},
    }
    script = lambda _number, asked: Answer(json.dumps(pages[asked.cursor]).encode())  # noqa: E731
    with serving(tmp_path, script) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    assert [one.cursor for one in api.asked] == [None, cursor], outcome
    assert outcome.document["counts"]["loaded"] == 4
    assert outcome.document["counts"]["rejected"] == 4
    [warning] = [one for one in outcome.document["warnings"] if one["reason"] == "CredentialEchoed"]
    assert (warning["object"], warning["count"]) == ("auth.secretRef", 9)
    said = outcome.out + outcome.err
    for arguments in (
        ("query", "SELECT * FROM sales_events"),
        ("rejects", "sales"),
        ("audit", "show"),
        ("status", "sales"),
    ):
        kept = chartly(folder, "--output", "json", *arguments)
        assert kept.code == 0, kept
        said += kept.out + kept.err
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "token"]
    for text in spelled:
        assert text.lower() not in said.lower()
        assert [one for one in files if text.lower().encode() in one.read_bytes().lower()] == []
    assert "__credential_plain__" in said


def cut_off(folder, run):
    """Makes a finished run one that was cut off before it could say how it ended."""
    (folder / ".chartly" / "runs" / run / "result.json").unlink()


def test_a_run_that_was_cut_off_is_continued_with_its_own_evidence(tmp_path, folder):
    with serving(tmp_path, in_order(pages_of([sale(n) for n in range(6)], 2))) as api:
        first = chartly_json(folder, "run", "sales", *api.options)
        asked = len(api.asked)
        cut_off(folder, first["run"])
        moved = ["--connect-to", f"{api.options[1]}", "--connect-to", "x.example:443=127.0.0.1:1"]
        second = chartly_json(folder, "run", "sales", *moved, *api.options[2:])
    assert second["run"] == first["run"]
    assert (second["attempt"], second["continued"]) == (2, True)
    assert len(api.asked) == asked, "committed pages are not fetched again"
    assert second["counts"] == first["counts"]
    assert second["frozenAt"] == first["frozenAt"]
    assert second["evidence"]["connectTo"] == [api.options[1], "x.example:443=127.0.0.1:1"]
    assert chartly(folder, "audit", "verify").code == 0


def test_a_run_of_other_inputs_is_closed_and_a_new_one_starts(tmp_path, folder):
    with serving(tmp_path, in_order([PAGE])) as api:
        first = chartly_json(folder, "run", "sales", *api.options)
        cut_off(folder, first["run"])
        edit(folder / "profiles/storage-sales-events@1.0.0.yaml", "Days: 30", "Days: 60")
        second = chartly_json(folder, "run", "sales", *api.options)
    assert second["run"] != first["run"]
    result = json.loads((folder / ".chartly" / "runs" / first["run"] / "result.json").read_bytes())
    assert result["reason"] == "Killed"


def test_a_snapshot_that_was_edited_is_refused(tmp_path, folder):
    """INV-3: nothing runs that is not frozen."""
    with serving(tmp_path, in_order([PAGE])) as api:
        first = chartly_json(folder, "run", "sales", *api.options)
        cut_off(folder, first["run"])
        asked = len(api.asked)
        snapshot = folder / ".chartly" / "runs" / first["run"] / "snapshot.json"
        snapshot.write_bytes(snapshot.read_bytes().replace(b"sales-events", b"sales-evemts"))
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    failed(outcome, 6, "SnapshotTampered")
    assert len(api.asked) == asked


def test_a_window_that_is_given_is_computed_alone(tmp_path, folder):
    with serving(tmp_path, in_order(pages_of([sale(n) for n in range(14)], 7))) as api:
        window = ("--window", "2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z")
        document = chartly_json(folder, "run", "sales", *window, *api.options)
    assert document["window"] == ["2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z"]
    assert [one["windows"] for one in document["outputs"]] == [2]


def test_more_rejects_than_allowed_end_the_run_and_leave_the_rows(tmp_path, folder):
    edit(
        folder / "profiles/normalizer-sales-default@1.0.0.yaml",
        "  canonicalEventType",
        "  rejectThreshold: {count: 1}\n  canonicalEventType",
    )
    bad = [sale(n, totals={"amount": "x", "currency": "USD"}) for n in (1, 2)]
    with serving(tmp_path, in_order(pages_of([sale(0), *bad], 3))) as api:
        outcome = chartly(folder, "--output", "json", "run", "sales", *api.options)
    document = failed(outcome, 20, "RejectThreshold")
    assert "2 of 3 records were rejected" in document["message"]
    assert chartly_json(folder, "query", "SELECT count() AS n FROM sales_events") == [{"n": 1}]
    shown = chartly(folder, "rejects", "sales", "--limit", "1")
    assert shown.out.count("NotANumber") == 1
    assert "these are the first 1 of 2; raise --limit to see more" in shown.err
    with FolderBinding(read_workspace(folder)).opened(HOME) as found:
        target = qualified(found.store.database, rejected_table("sales-events"))
        found.store.engine.command(f"TRUNCATE TABLE {target}")
    gone = chartly(folder, "rejects", "sales")
    assert "its rejects are no longer stored" in gone.out
    assert "2 rejects recorded, 0 still stored; the others are past their retention" in gone.err
