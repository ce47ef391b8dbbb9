"""``chartly status``: what it says is measured; what cannot be is not known."""

import json
import shutil
from contextlib import closing

import pytest

from chartly_cli.fixture_run import run_twice
from chartly_store.embedded import open_embedded
from support.command import chartly, chartly_json, edit, sales_folder
from support.refusing_engine import SAYS, refuse
from support.sales_api import in_order, pages_of, sale, serving

DATABASE = "tenant_demo__proj_sales"
STORAGE = "profiles/storage-sales-events@1.0.0.yaml"
pytestmark = pytest.mark.timeout(240)
NAMES = ("storage policy is enforced", "analytics output is repeatable")
SALES = [sale(n) for n in range(4)]


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    place = tmp_path_factory.mktemp("once")
    return ran(place, sales_folder(place / "sales"), SALES)


@pytest.fixture
def folder(tmp_path, once):
    shutil.copytree(once, tmp_path / "sales", symlinks=True)
    return tmp_path / "sales"


def ran(place, folder, sales):
    with serving(place, in_order(pages_of(sales, 2))) as api:
        chartly_json(folder, "run", "sales", *api.options)
    return folder


def sql(folder, *statements):
    with closing(open_embedded(folder / ".chartly" / "store")) as engine:
        for statement in statements:
            engine.command(statement.replace("DB", DATABASE))


def told(folder, name):
    """The verdict and the evidence of a criterion."""
    outcome = chartly(folder, "--output", "json", "status", "sales")
    found = {one["criterion"]: (one["holds"], one["evidence"]) for one in outcome.document}
    holds = [one["holds"] for one in outcome.document]
    assert outcome.code == (0 if all(holds) else 21)
    assert len(found) == 6
    return found[name]


def test_every_part_of_a_policy_is_shown_beside_the_table(folder):
    holds, evidence = told(folder, NAMES[0])
    assert holds is True
    for part in (
        "partition toYYYYMMDD(occurred_at)", "order occurred_at, event_key", "columns 5",
        "index on event_id bloom_filter", "index on currency bloom_filter", "retention 30 days, oldest",
        f"of {1 << 40} bytes",
    ):  # fmt: skip
        assert part in evidence


SABOTAGE = [
    ("ALTER TABLE DB.sales_events__data DROP INDEX idx_currency", "index on currency missing, declared bloom_filter"),
    ("DROP TABLE DB.sales_events__data SYNC", "table is not there"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "says"), SABOTAGE)
def test_a_policy_that_the_table_does_not_have_is_no(folder, statement, says):
    sql(folder, statement)
    holds, evidence = told(folder, NAMES[0])
    assert holds is False
    assert says in evidence
    assert evidence.startswith("sales-events: "), "what is wrong comes first"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("retentionDays: 30", "retentionDays: 30\n  maxBytes: 1", "declared at most 1 bytes"),
    ],
)  # fmt: skip
def test_a_policy_that_was_declared_since_is_no(folder, old, new, says):
    edit(folder / STORAGE, old, new)
    holds, evidence = told(folder, NAMES[0])
    assert holds is False
    assert says in evidence


def test_what_the_store_does_not_say_is_not_known(folder, monkeypatch):
    refuse(monkeypatch, "data_skipping_indices")
    holds, evidence = told(folder, NAMES[0])
    assert (holds, evidence) == (None, f"the store refused: {SAYS}")
    assert told(folder, NAMES[1])[0] is True, "others are measured all the same"


def test_a_store_that_cannot_be_opened_is_not_known(folder, monkeypatch):
    assert run_twice, "whose engine is another, bound before this one is replaced"
    refuse(monkeypatch, "system.columns")
    outcome = chartly(folder, "--output", "json", "status", "sales")
    assert [one["holds"] for one in outcome.document] == [True, True, True, None, None, None]
    assert outcome.code == 21


def test_two_runs_of_one_input_are_compared(tmp_path, folder):
    holds, evidence = told(folder, NAMES[1])
    assert holds is True
    assert "the fixtures, run twice: sales-rollup-daily " in evidence
    assert "one run, so no two to compare" in evidence
    ran(tmp_path, folder, SALES)
    holds, evidence = told(folder, NAMES[1])
    assert holds is True
    assert evidence.count("sales-rollup-daily ") == 3
    ran(tmp_path, folder, [*SALES, sale(7)])
    holds, evidence = told(folder, NAMES[1])
    assert holds is True
    assert "the last two runs had not the same input" in evidence


def test_fingerprints_that_differ_for_one_input_are_no(tmp_path, folder):
    ran(tmp_path, folder, SALES)
    sql(
        folder,
        "ALTER TABLE DB.__attempts UPDATE result = replaceRegexpOne(result, "
        '\'"fingerprint": ?"[^"]*"\', \'"fingerprint": "0-0-0"\') '
        "WHERE ordinal = 1 SETTINGS mutations_sync = 1",
    )
    holds, evidence = told(folder, NAMES[1])
    assert holds is False
    assert "sales-rollup-daily 0-0-0 then sales-rollup-daily " in evidence


def test_an_output_that_changed_since_it_was_published_is_no(folder):
    sql(
        folder,
        "ALTER TABLE DB.sales_rollup_daily__data UPDATE orders = orders + 1 WHERE 1 "
        "SETTINGS mutations_sync = 1",
    )
    holds, evidence = told(folder, NAMES[1])
    assert holds is False
    assert "and what is there now: " in evidence
    sql(folder, "DROP VIEW DB.sales_rollup_daily")
    assert "sales-rollup-daily not there" in told(folder, NAMES[1])[1]


def test_without_fixtures_and_with_one_run_nothing_was_repeated(folder):
    shutil.rmtree(folder / "fixtures")
    holds, evidence = told(folder, NAMES[1])
    assert holds is None
    assert "no fixtures in" in evidence
    assert "one run, so no two to compare" in evidence


def test_a_workflow_without_analytics_has_nothing_to_repeat(folder):
    path = folder / "workflows/sales-onboard@1.0.0.yaml"
    path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
    assert told(folder, NAMES[1]) == (True, "no analytics in this workflow")


def test_fixtures_that_fail_are_no_and_broken_ones_are_not_known(folder):
    sample = folder / "fixtures" / "sales.sample.json"
    names = ("ingestion runs deterministically on fixtures", "events match expectations")
    sample.write_text("<html>")
    assert [told(folder, name)[0] for name in names] == [None, None]
    sample.write_text(json.dumps({"id": "x"}))
    holds, evidence = told(folder, names[0])
    assert holds is False
    assert evidence.startswith("RejectThreshold: ")
