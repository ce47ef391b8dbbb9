"""Every command that reads or writes a store, on the folder's own and on ClickHouse's server."""

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
    assert "the first 2 rows; --limit takes more" in text.err


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
