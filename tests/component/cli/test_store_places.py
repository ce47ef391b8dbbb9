"""Every command that reads or writes a store, on the folder's own and on ClickHouse's server."""

import json
import shutil

import pytest

from support.command import chartly, chartly_json, sales_folder
from support.sales_api import in_order, pages_of, sale, serving
from support.store_places import PLACES, store_place

pytestmark = pytest.mark.timeout(240)
SALES = [sale(n) for n in range(12)]
ROLLUP = "SELECT day, currency, orders, total_amount FROM sales_rollup_daily ORDER BY day, currency"


@pytest.fixture(scope="module", params=PLACES)
def place(request, tmp_path_factory):
    with store_place(request.param, tmp_path_factory.mktemp("place")) as opened:
        yield opened


@pytest.fixture(scope="module")
def ran(place, tmp_path_factory):
    """A folder whose workflow has run into the store."""
    root = tmp_path_factory.mktemp("ran")
    folder = sales_folder(root / "sales")
    with serving(root, in_order(pages_of(SALES, 4))) as api:
        report = chartly_json(folder, "run", "sales", *place.options, *api.options)
    assert (report["reason"], report["counts"]["loaded"], report["audited"]) == (
        "Succeeded",
        12,
        True,
    )
    return folder


def test_a_server_s_run_leaves_no_store_in_the_folder(ran, place):
    assert (ran / ".chartly" / "store").exists() == (place.server is None)


def test_query_shows_the_rollup_with_exact_numbers(ran, place):
    rows = chartly_json(ran, "query", ROLLUP, *place.options)
    assert rows[0] == {
        "day": "2026-02-01T00:00:00Z", "currency": "EUR", "orders": 1, "total_amount": "7.25",
    }  # fmt: skip
    text = chartly(ran, "query", ROLLUP, "--limit", "2", *place.options)
    assert len(text.out.splitlines()) == 4
    assert "these are the first 2 rows; raise --limit to see more" in text.err


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nope FROM sales_events", "nope"),
        ("SELECT * FROM sales_event", "did you mean 'sales_events'?"),
        ("DROP TABLE sales_events", "must be exactly one SELECT"),
    ],
)
def test_a_bad_query_is_the_users_mistake(ran, place, sql, says):
    """INV-10: not the store's."""
    outcome = chartly(ran, "query", sql, *place.options)
    assert outcome.code == 3, outcome
    assert outcome.errors[0].startswith("error: ConfigInvalid: query: ")
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_rejects_of_a_run_without_any(ran, place):
    assert ": no rejects" in chartly(ran, "rejects", "sales", *place.options).out


def test_status_answers_the_six_criteria(ran, place):
    document = chartly_json(ran, "status", "sales", *place.options)
    assert len(document) == 6
    assert [one for one in document if not one["holds"]] == []
    assert all(one["evidence"] for one in document)


def test_metrics_of_a_run_elsewhere_are_not_known(ran, place, tmp_path):
    """On the folder's own store the runs are here; unknown is not missing."""
    folder = tmp_path / "sales"
    shutil.copytree(ran, folder, symlinks=True)
    shutil.rmtree(folder / ".chartly" / "runs")
    outcome = chartly(folder, "--output", "json", "status", "sales", *place.options)
    assert outcome.code == 21
    last = outcome.document[-1]
    assert last["holds"] is (False if place.server is None else None)
    assert ("is missing" if place.server is None else "its metrics are where it ran") in last[
        "evidence"
    ]


def test_audit_verify_and_show(ran, place):
    verdicts = chartly_json(ran, "audit", "verify", *place.options)
    own = ["tenant-demo/proj-sales"] if place.server is None else []
    (run,) = (path.name for path in (ran / ".chartly" / "runs").iterdir())
    assert [one["chain"] for one in verdicts] == [*own, f"{run}/1"]
    assert all((one["fault"], one["unchained"]) == (None, 0) for one in verdicts)
    assert all(one["entries"] > 0 for one in verdicts)
    assert "whole" in chartly(ran, "audit", "verify", *place.options).out
    shown = chartly(ran, "audit", "show", *place.options)
    assert "workflow.run.succeeded" in shown.out
    named, latest = (
        chartly_json(ran, "audit", "show", *given, *place.options) for given in ((run,), ())
    )
    assert named == latest
    outcome = chartly(ran, "audit", "show", "nobody", *place.options)
    assert (outcome.code, 'run: "nobody" is not in ' in outcome.err) == (3, True)


def test_doctor_tells_of_the_store(ran, place):
    text = chartly(ran, "doctor", *place.options).out
    if place.server is None:
        assert "run in this process's embedded engine; one trust domain" in text
    else:
        assert f"{place.server.url} answers user 'loader'" in text


@pytest.fixture
def gone(place, tmp_path):
    """A folder of a project of its own, which tests may take apart."""
    folder = sales_folder(tmp_path / "sales")
    for path in folder.rglob("*.yaml"):
        path.write_text(path.read_text().replace("proj-sales", "proj-gone"))
    with serving(tmp_path, in_order(pages_of(SALES, 6))) as api:
        chartly_json(folder, "run", "sales", *place.options, *api.options)
    return folder


def test_what_is_deprecated_and_torn_down_is_gone_and_recorded(gone, place):
    """INV-9: every audit entry of before is there, and each step has one of its own."""
    home = ("--project", "tenant-demo/proj-gone")
    before = chains(gone, home, place)
    deprecated = ("deprecate", "storage/sales-events@1.0.0", "--because", "no more")
    assert chartly_json(gone, *deprecated, *place.options)["recorded"] is True
    planned = chartly_json(gone, "teardown", "sales", *place.options)
    assert (planned["done"], len(planned["steps"])) == (False, 6)
    removed = chartly_json(gone, "teardown", "sales", "--yes", *place.options)
    assert {one["result"] for one in removed["steps"]} == {"removed"}
    after = chains(gone, home, place)
    assert before.keys() <= after.keys()
    assert sum(after.values()) == sum(before.values()) + 1 + len(removed["steps"])
    left = chartly(gone, *home, "query", "SELECT * FROM sales_events", *place.options)
    assert (left.code, "is not there" in left.err) == (3, True)
    assert not list(gone.glob("workflows/*.yaml"))


def chains(folder, home, place):
    verdicts = chartly_json(folder, *home, "audit", "verify", *place.options)
    assert [one for one in verdicts if one["fault"]] == []
    return {one["chain"]: one["entries"] for one in verdicts}


def test_a_run_that_was_cut_off_goes_on_only_in_its_own_store(place, tmp_path):
    """INV-4: the other store has none of its first pages."""
    folder = sales_folder(tmp_path / "sales")
    for path in folder.rglob("*.yaml"):
        path.write_text(path.read_text().replace("proj-sales", "proj-gone"))
    with serving(tmp_path, in_order(pages_of(SALES, 6))) as api:
        first = chartly_json(folder, "run", "sales", *place.options, *api.options)
        run = folder / ".chartly" / "runs" / first["run"]
        (run / "result.json").unlink()
        again = chartly_json(folder, "run", "sales", *place.options, *api.options)
        (run / "result.json").unlink()
        record = run / "run.json"
        record.write_text(edited(record.read_text(), store="http://elsewhere.test:8123"))
        other = chartly_json(folder, "run", "sales", *place.options, *api.options)
    assert (again["run"], again["continued"], again["attempt"]) == (first["run"], True, 2)
    assert (other["run"] == first["run"], other["continued"]) == (False, False)
    assert not (run / "result.json").exists(), "it may still go on where it began"


def edited(record, **changes):
    return json.dumps(json.loads(record) | changes)
