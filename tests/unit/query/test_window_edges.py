"""Which queries keep to one window by the time column itself."""

import pytest

from chartly.api.place import Place
from chartly.errors import SpecError
from chartly.query.rollup_query import read_template
from chartly.query.window_edges import check_aliases, check_bounds

HERE = Place(object="here")

LOW, HIGH = "at >= {{window_start}}", "at < {{window_end}}"


def _read(condition, output="k", source="{{dataset}}"):
    return read_template(
        f"SELECT {output}, count() AS n FROM {source} WHERE {condition} GROUP BY 1"
    )


@pytest.mark.parametrize(
    "condition",
    [
        f"{LOW} AND {HIGH}",
        f"({HIGH}) AND (k > 1 AND {LOW})",
        "{{window_start}} <= at AND {{window_end}} > at",
        f"at >= {{{{window_start}}}} - toIntervalHour(1) AND {HIGH}",
        "date_trunc('day', at) >= {{window_start}} AND date_trunc('day', at) < {{window_end}}",
        "at BETWEEN {{window_start}} AND {{window_end}} - toIntervalMillisecond(1)",
        f"{LOW} AND {HIGH} AND NOT (k > 1 OR k < 0)",
    ],
)
def test_both_edges_bound_the_time(condition):
    check_bounds(_read(condition), "at", HERE)


@pytest.mark.parametrize(
    ("condition", "edge"),
    [
        ("ingested_at >= {{window_start}} AND ingested_at < {{window_end}}", "window_start"),
        (f"{LOW} OR {HIGH}", "window_start"),
        (f"NOT at < {{{{window_start}}}} AND {HIGH}", "window_start"),
        (f"{LOW} AND NOT at > {{{{window_end}}}}", "window_end"),
        (f"{LOW} AND lessOrEquals(at, {{{{window_end}}}})", "window_end"),
        (f"{LOW} AND k < {{{{window_end}}}}", "window_end"),
        (f"{LOW} AND at > {{{{window_end}}}}", "window_end"),
        (f"{HIGH} AND at < {{{{window_start}}}}", "window_start"),
        (f"{LOW} AND ({HIGH} OR k = 1)", "window_end"),
    ],
)
def test_what_bounds_no_window_is_refused(condition, edge):
    with pytest.raises(
        SpecError, match=f"here: no condition of WHERE compares 'at' with {{{{{edge}"
    ):
        check_bounds(_read(condition), "at", HERE)


def test_a_time_by_another_name_is_the_time():
    inner = "(SELECT k, at AS moment FROM {{dataset}})"
    condition = "moment >= {{window_start}} AND moment < {{window_end}}"
    check_bounds(_read(condition, source=inner), "at", HERE)


@pytest.mark.parametrize(
    ("output", "condition", "refused"),
    [
        ("date_trunc('day', at) AS at", f"{LOW} AND {HIGH}", True),
        ("upper(k) AS k", f"{LOW} AND {HIGH} AND k = 'a'", True),
        ("upper(k) AS k", f"{LOW} AND {HIGH}", False),
        ("at AS at", f"{LOW} AND {HIGH}", False),
        ("date_trunc('day', at) AS day", f"{LOW} AND {HIGH}", False),
        (
            "date_trunc('day', e.at) AS at",
            "e.at >= {{window_start}} AND e.at < {{window_end}}",
            False,
        ),
    ],
)
def test_an_output_does_not_stand_for_a_column_in_where(output, condition, refused):
    reading = _read(condition, output, "{{dataset}} AS e")
    if not refused:
        check_aliases(reading, {"at", "k"}, HERE)
        return
    with pytest.raises(SpecError, match="has the name of a column that WHERE reads"):
        check_aliases(reading, {"at", "k"}, HERE)


def test_an_output_within_another_select_stands_for_nothing_here():
    inner = "(SELECT date_trunc('day', at) AS k, at FROM {{dataset}})"
    check_aliases(_read(f"{LOW} AND {HIGH} AND k > 1", source=inner), {"at", "k"}, HERE)
