"""What brings tables of an older format to this one, and what is refused."""

import pytest

from chartly.api.event_schema import EventSchema
from chartly.errors import Reason, RunError
from chartly.load.project_tables import PROJECT_TABLES, create_project
from chartly.load.store_format import FORMAT, carried, check_format, extended, is_first
from chartly.load.versions import of_first_format, row_version
from support.profiles import ROOT

COLUMNS = {"a": "String", "b": "UInt32", "c": "UInt64 DEFAULT b"}


@pytest.mark.parametrize(
    ("stored", "order", "statements", "because"),
    [
        ((), None, [], "the table is not there, and is created whole"),
        (("a", "b", "c"), "a, b", [], "it has every column"),
        (("a", "b", "c", "d"), None, [], "what it has beside them stays"),
        (("a", "b"), None, ["ALTER TABLE `d`.`t` ADD COLUMN IF NOT EXISTS `c` UInt64 DEFAULT b"], "one is missing"),
        (("a",), "a, b", ["ALTER TABLE `d`.`t` ADD COLUMN IF NOT EXISTS `b` UInt32, ADD COLUMN IF NOT EXISTS `c` UInt64 DEFAULT b, MODIFY ORDER BY (a, b)"], "with the key, in one statement"),
    ],
)  # fmt: skip
def test_a_table_gets_the_columns_that_it_lacks(stored, order, statements, because):
    assert extended("d", "t", stored, COLUMNS, order) == statements, because


def test_a_project_of_this_format_is_left_alone():
    stored = {name: list(table.columns) for name, table in PROJECT_TABLES.items()}
    assert create_project("d", stored) == []


def test_the_tables_of_a_project_are_documented():
    page = (ROOT / "docs" / "user" / "storage.md").read_text(encoding="utf-8")
    assert [name for name in PROJECT_TABLES if f"`{name}`" not in page] == []


@pytest.mark.parametrize("number", [0, 1, FORMAT])
def test_known_formats_are_taken(number):
    check_format("d", number)


def test_a_later_format_is_refused_by_its_number():
    with pytest.raises(
        RunError, match=r"database 'd': its tables have format 3, and .* up to 2; use"
    ) as refused:
        check_format("d", FORMAT + 1)
    assert refused.value.reason is Reason.SCHEMA_INCOMPATIBLE


@pytest.mark.parametrize(
    ("ordinal", "segment", "generation"), [(1, 0, 0), (7, 5, 0), (2**28 - 1, 2**24 - 1, 2**12 - 1)]
)
def test_a_version_is_made_of_28_24_and_12_bits(ordinal, segment, generation):
    version = row_version(ordinal, segment, generation)
    assert version < 2**64
    assert (version >> 36, version >> 12 & 2**24 - 1, version & 2**12 - 1) == (
        ordinal,
        segment,
        generation,
    )


@pytest.mark.parametrize(
    ("numbers", "noun"),
    [
        ((2**28, 0, 0), "268435456 attempts of a project"),
        ((1, 2**24, 0), "16777216 pages of a run"),
        ((1, 0, 2**12), "4096 generations of a mapping"),
    ],
)
def test_a_number_without_room_is_refused(numbers, noun):
    with pytest.raises(RunError, match=noun) as refused:
        row_version(*numbers)
    assert refused.value.reason is Reason.LIMIT_REACHED


def _schema(version_field):
    return EventSchema("e", (), ("key",), None, None, version_field)


@pytest.mark.parametrize(
    ("stored", "version_field", "values", "because"),
    [
        ({"_record": "UInt32"}, None, {}, "it has this format"),
        ({"_index": "UInt32"}, None, {"_ver": "bitShiftRight(`_ver`, 4)"}, "an ordinal and a number"),
        ({"_index": "UInt32"}, "at", {"_ver": "`_ver` * 1000"}, "an instant in milliseconds"),
    ],
)  # fmt: skip
def test_versions_of_the_first_format_are_carried_over(stored, version_field, values, because):
    assert carried(_schema(version_field), stored) == values, because
    assert is_first(stored) == bool(values)


def test_a_version_of_the_first_format_says_the_same_in_this_one():
    first = (5 << 24 | 3) << 16
    assert of_first_format("x", is_instant=False) == "bitShiftRight(x, 4)"
    assert first >> 4 == row_version(5, 3)
