"""The same pages by dlt, as it comes: read, normalised and loaded into DuckDB through Parquet.

Runs under an interpreter that has dlt and nothing of this project.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APPEND, MERGE = "append", "merge"


def load_pages(place: str, pages: str, events: int, disposition: str) -> dict[str, Any]:
    """Loads pages that stand in a folder; merging makes one row of what has one id."""
    _keep_home(Path(place))
    import dlt
    from dlt.common import json

    @dlt.resource(name="sales", write_disposition=disposition, primary_key="id")
    def sales() -> Iterator[list[dict[str, Any]]]:
        for one in sorted(Path(pages).glob("*.page")):
            yield json.loadb(one.read_bytes())["data"]

    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(f"{place}/peer.duckdb"), dataset_name="bench"
    )
    started = time.perf_counter()
    pipeline.run(sales(), loader_file_format="parquet")
    passed = time.perf_counter() - started
    with pipeline.sql_client() as client:
        found = client.execute_sql("SELECT count(*) FROM sales")[0][0]
    if found != events:
        raise AssertionError(f"dlt has {found} of {events} events")
    return {"whole": passed, "version": dlt.__version__}


def _keep_home(place: Path) -> None:
    """Nothing is told to anybody, and nothing is left in the home of who runs this."""
    place.mkdir()
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["HOME"] = os.environ["DLT_DATA_DIR"] = str(place)
    os.chdir(place)
