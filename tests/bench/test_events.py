import json

import pyarrow as pa
import pytest

from bench.child import measured
from bench.report import Section
from bench.sales import ORDERED, SHUFFLED, bodies, sales
from bench.wide import CHANGES, wide
from chartly.extract.pages import compile_reader
from chartly.extract.shaper import compile_shaper
from support.loading import sales_plan

EVENTS = 2_000


def _shaped(events, plan):
    stream = plan.streams[0]
    records, mode = plan.connector.records, plan.connector.pagination.mode
    reader = compile_reader(records, mode, stream.normalizer, stream.storage)
    pages = [reader.read(body) for body in bodies(events, 500)]
    return compile_shaper(stream.normalizer, stream.storage).shape(pages)


@pytest.mark.parametrize("order", [ORDERED, SHUFFLED])
def test_every_event_is_good_one_of_its_kind_and_the_same_each_time(order):
    shaped = _shaped(sales(EVENTS, order), sales_plan())
    assert shaped.rejections == []
    assert len(set(shaped.keys)) == EVENTS
    assert list(sales(EVENTS, order)) == list(sales(EVENTS, order))


@pytest.mark.parametrize(("order", "sorted_by_day"), [(ORDERED, True), (SHUFFLED, False)])
def test_events_lie_in_the_order_of_their_days_or_in_none(order, sorted_by_day):
    days = [json.loads(one)["timestamp"][:10] for one in sales(EVENTS, order)]
    assert (days == sorted(days)) is sorted_by_day
    assert len(set(days)) == 28


def test_wide_events_have_twenty_fields_of_which_ten_are_transformed():
    plan = sales_plan(changes=CHANGES)
    assert len(plan.streams[0].normalizer.transforms) == 10
    shaped = _shaped(wide(EVENTS), plan)
    assert shaped.rejections == []
    fields = [name for name in shaped.rows.column_names if not name.startswith("_")]
    assert len(set(fields) - {"event_key"}) == 20
    assert shaped.rows.column("gift").type == pa.bool_()


def test_a_page_holds_so_many_events_and_the_last_one_the_rest():
    sizes = [len(json.loads(one)["data"]) for one in bodies(sales(25, ORDERED), 10)]
    assert sizes == [10, 10, 5]


def test_a_measured_thing_is_a_process_that_tells_its_own_memory(tmp_path):
    lines = tmp_path / "lines"
    said = measured("spool:write_lines", path=lines, events=3, order=ORDERED)
    assert len(lines.read_text(encoding="utf-8").splitlines()) == 3
    assert 10 * 2**20 < said["rss"] < 2**30


def test_a_section_is_a_table():
    said = str(Section("Title", "What it is.", ["", "a", "b"], [["one", "1", "2"]]))
    assert said == (
        "## Title\n\nWhat it is.\n\n|  | a | b |\n| --- | ---: | ---: |\n| one | 1 | 2 |\n"
    )
