import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from chartly.errors import Reason, RunError
from chartly_store.embedded import open_embedded


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def opened(folder):
    with closing(open_embedded(folder)) as engine:
        engine.command("CREATE DATABASE d")
        engine.command(
            "CREATE TABLE d.t (a Int64, b Nullable(Decimal(38, 9)), c DateTime64(3, 'UTC')) "
            "ENGINE = MergeTree ORDER BY a"
        )
        yield engine


MOMENT = datetime(2026, 2, 2, 10, 15, 0, 123000, tzinfo=UTC)


def _rows(*amounts):
    return pa.table(
        {
            "c": pa.array([MOMENT] * len(amounts), pa.timestamp("ms", tz="UTC")),
            "a": pa.array(range(len(amounts)), pa.int64()),
            "b": pa.array(amounts, pa.decimal128(38, 9)),
        }
    )


def test_what_is_inserted_is_read_exactly(opened):
    amount = Decimal("12345678901234567890123456789.123456789")
    opened.insert("d", "t", _rows(amount, None))
    assert opened.rows("SELECT * FROM d.t ORDER BY a") == [(0, amount, MOMENT), (1, None, MOMENT)]


def test_what_is_inserted_is_there_after_reopening(folder, opened):
    opened.insert("d", "t", _rows(Decimal(1)))
    opened.close()
    with closing(open_embedded(folder)) as engine:
        assert engine.rows("SELECT count() FROM d.t") == [(1,)]


def test_text_comes_as_text(opened):
    found = opened.arrow("SELECT 'ä' AS x, toLowCardinality('b') AS y")
    assert found.to_pylist() == [{"x": "ä", "y": "b"}]
    assert found.schema.types == [pa.string(), pa.string()]


def test_values_are_parameters(opened):
    text = "'; DROP TABLE d.t; --\\"
    assert opened.rows("SELECT {x:String}", {"x": text}) == [(text,)]


def test_a_read_only_query_limits_itself_and_nothing_after_it(opened):
    for _ in range(2):
        limits = {"readonly": 2, "max_execution_time": 5}
        assert opened.rows("SELECT 1", None, limits) == [(1,)]
        assert opened.arrow("SELECT 1 AS x", None, limits).to_pylist() == [{"x": 1}]
    with pytest.raises(RunError, match="readonly"):
        opened.rows("DROP TABLE d.t", None, {"readonly": 2})
    opened.insert("d", "t", _rows(Decimal(1)))
    opened.command("TRUNCATE TABLE d.t")


@pytest.mark.parametrize(
    "act",
    [
        lambda engine: engine.command("DROP TABLE d.nothing"),
        lambda engine: engine.rows("SELECT * FROM d.nothing"),
        lambda engine: engine.arrow("SELECT * FROM d.nothing"),
        lambda engine: engine.insert("d", "nothing", _rows(None)),
        lambda engine: engine.insert("d", "t", pa.table({"nothing": [1]})),
    ],
)
def test_a_refusal_is_one_sentence_with_a_reason(opened, act):
    """INV-10."""
    with pytest.raises(RunError) as caught:
        act(opened)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.message.startswith("the store refused: ")
    assert "nothing" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_store_has_one_owner_at_a_time(folder, opened):
    with pytest.raises(RunError) as caught:
        open_embedded(folder)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert caught.value.message == (
        f"store {folder} is in use by process {os.getpid()}; wait for it or end it"
    )


def test_another_process_is_told_who_owns_the_store(folder, opened):
    code = (
        "import sys, pathlib\n"
        "from chartly.errors import RunError\n"
        "from chartly_store.embedded import open_embedded\n"
        "try:\n    open_embedded(pathlib.Path(sys.argv[1]))\n"
        "except RunError as error:\n    print(error.message)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert f"in use by process {os.getpid()};" in said.stdout


def test_a_folder_that_cannot_be_opened_is_said_and_let_go(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "tmp").write_text("a file where the scratch folder belongs")
    for _ in range(2):
        with pytest.raises(RunError, match="the store refused") as caught:
            open_embedded(folder)
        assert caught.value.reason is Reason.STORE_UNAVAILABLE


def test_what_a_killed_owner_was_handing_over_is_swept(folder, opened):
    opened.close()
    (folder / "tmp" / "batch.raw").write_bytes(b"half")
    with closing(open_embedded(folder)):
        assert list((folder / "tmp").iterdir()) == []


def test_inserts_are_durable_and_never_deduplicated(opened):
    """Two equal inserts are two inserts: dedup tokens lose rows when a process is killed."""
    for _ in range(2):
        opened.insert("d", "t", _rows(Decimal(1)))
    assert opened.rows("SELECT count() FROM d.t") == [(2,)]
    wanted = {"deduplicate_insert": "disable", "async_insert": "0"}
    found = opened.rows(
        "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}",
        {"names": list(wanted)},
    )
    assert dict(found) == wanted
