"""A torn-down domain starts anew, also when one of its runs had been cut off."""

import shutil

import pytest

from support.command import chartly, chartly_json, sales_folder
from support.sales_api import in_order, pages_of, sale, serving

WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"


@pytest.mark.slow
def test_a_cut_off_run_does_not_go_on_after_its_rows_are_gone(tmp_path):
    """INV-4: its ledger still says that the pages are committed."""
    folder = sales_folder(tmp_path / "sales")
    kept = shutil.copy(folder / WORKFLOW, tmp_path / "workflow.yaml")
    with serving(tmp_path, in_order(pages_of([sale(n) for n in range(6)], 2))) as api:
        first = chartly_json(folder, "run", "sales", *api.options)
        (result,) = folder.glob(".chartly/runs/*/result.json")
        result.unlink()
        assert chartly(folder, "teardown", "sales", "--yes").code == 0
        shutil.copy(kept, folder / WORKFLOW)
        second = chartly_json(folder, "run", "sales", *api.options)
        rows = chartly_json(folder, "query", "SELECT count() AS n FROM sales_events")
    assert second["run"] != first["run"]
    assert second["counts"]["loaded"] == 6
    assert rows == [{"n": 6}]
