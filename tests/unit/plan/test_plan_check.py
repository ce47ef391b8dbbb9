import re
from contextlib import nullcontext

import pytest

from chartly.api.place import Place
from chartly.api.profile import parse_profile
from chartly.errors import Reason, SpecError
from chartly.plan.catalog import Catalog
from chartly.plan.plan_check import check_alone, check_plan
from chartly.plan.resolve import resolve
from chartly.plan.snapshot import freeze, thaw
from support.profiles import HOME, changed, playbook_profile, playbook_workflow, workflow

HERE = Place(object="here", path="spec")

KINDS = ("connector", "normalizer", "storage", "analytics")


def _check(kind=None, path="", value=None, flow=None):
    """Checks the playbook's plan, with one value of one profile changed."""
    profiles = {one: playbook_profile(one) for one in KINDS}
    if kind is not None:
        profiles[kind] = changed(profiles[kind], path, value)
    catalog = Catalog((HOME, parse_profile(one)) for one in profiles.values())
    resolution = resolve(flow or workflow(), catalog, HOME)
    snapshot = freeze(resolution)
    check_plan(resolution, thaw(snapshot.content, snapshot.digest, HOME))


def _query(amount="amount", start=">=", edge="<", keys="1, 2", rest="", joint="AND", day="day"):
    return (
        f"SELECT date_trunc('day', occurred_at) AS {day}, currency, sum({amount}) AS total "
        f"FROM {{{{dataset}}}} WHERE occurred_at {start} {{{{window_start}}}} "
        f"{joint} occurred_at {edge} {{{{window_end}}}} GROUP BY {keys}{rest}"
    )


@pytest.mark.parametrize(
    ("kind", "path", "value", "because"),
    [
        (None, "", None, "the playbook itself"),
        ("connector", "spec.records", {"path": "$.response.rows"}, "a path to the records"),
        ("connector", "spec.pagination", {"mode": "none"}, "pages that no field names"),
        ("analytics", "spec.queryTemplate.text", _query(rest=" ORDER BY total, 1, 2 LIMIT 1"), "an order without ties"),
        ("storage", "spec.raw", {"dataset": "sales-events"}, "pages that are not kept"),
    ],
)  # fmt: skip
def test_what_can_run_passes(kind, path, value, because):
    _check(kind, path, value)


@pytest.mark.parametrize(
    ("kind", "path", "value", "says", "reason"),
    [
        ("connector", "spec.records", {"path": "$.rows["}, "connector/sales-http@1.0.0: spec.records.path: ", Reason.CONFIG_INVALID),
        ("connector", "spec.pagination.responseField", "a[", "connector/sales-http@1.0.0: spec.pagination.responseField: ", Reason.CONFIG_INVALID),
        ("normalizer", "spec.mapping.amount", "$.totals[", "normalizer/sales-default@1.0.0: spec.mapping.amount: ", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", "DROP TABLE x", "analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(amount="amont"), "analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: line 1, column 61: the dataset has no column 'amont'; did you mean 'amount'?", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(keys="1"), "column 'currency' is neither in GROUP BY nor in an aggregate function", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(edge="<="), ": occurred_at: a comparison counts {{window_end}} in", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(start=">"), "occurred_at: a comparison leaves {{window_start}} out", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(joint="OR"), "analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: no condition of WHERE compares 'occurred_at'", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(day="occurred_at"), "analytics/sales-daily-rollup@1.0.0: spec.queryTemplate.text: ", Reason.CONFIG_INVALID),
        ("analytics", "spec.queryTemplate.text", _query(rest=" ORDER BY total LIMIT 1"), "ORDER BY with LIMIT leaves ties", Reason.CONFIG_INVALID),
        ("analytics", "spec.outputs.columns", {"day": "Date", "cur": "String"}, "analytics/sales-daily-rollup@1.0.0: spec.outputs.columns.cur: the query gives no such column", Reason.CONFIG_INVALID),
        ("analytics", "spec.outputs.dataset", "sales-events", 'spec.outputs.dataset: "sales-events" is written by two steps of the workflow', Reason.CONFIG_INVALID),
        ("storage", "spec.raw", {"enabled": True, "dataset": "sales-rollup-daily"}, 'spec.outputs.dataset: "sales-rollup-daily" is written by two steps', Reason.CONFIG_INVALID),
        ("storage", "spec.raw", {"enabled": True, "dataset": "sales-events"}, 'spec.raw.dataset: "sales-events" is written by two steps', Reason.CONFIG_INVALID),
        ("storage", "spec.writeMode", "replace", 'storage/sales-events@1.0.0: spec.writeMode: "replace"', Reason.NOT_SERVED),
    ],
)  # fmt: skip
def test_what_cannot_is_named_before_anything_starts(kind, path, value, says, reason):
    """INV-10: profile, field and mistake."""
    with pytest.raises(SpecError) as caught:
        _check(kind, path, value)
    assert says in caught.value.message
    assert caught.value.reason is reason


def test_a_workflow_that_is_not_served_is_named_too():
    with pytest.raises(SpecError, match="workflow sales-onboard@1.0.0: spec.runOnApply") as caught:
        _check(flow=workflow(changed(playbook_workflow(), "spec.runOnApply", value=True)))
    assert caught.value.reason is Reason.NOT_SERVED


@pytest.mark.parametrize(
    ("mode", "path", "refused"),
    [
        ("offset", "$..[?@.id]", True),
        ("offset", "$.a..[0, ?@.id].b", True),
        ("offset", "$..rows[?@.id]", False),
        ("offset", "$.rows[?@.a == '..[?']", False),
        ("page", "$..[?@.id]", False),
    ],
)
def test_records_that_nobody_can_count_are_refused_where_they_move_the_offset(mode, path, refused):
    document = changed(playbook_profile("connector"), "spec.records", {"path": path})
    document = changed(document, "spec.pagination", {"mode": mode, "pageSize": 10})
    with pytest.raises(SpecError, match="pagination.mode offset") if refused else nullcontext():
        check_alone(parse_profile(document).spec, HERE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_profile_of_the_playbook_can_be_used(kind):
    check_alone(parse_profile(playbook_profile(kind)).spec, HERE)


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("connector", "spec.records", {"path": "$.rows["}, "here: spec.records.path: "),
        ("connector", "spec.pagination.responseField", "a[", "here: spec.pagination.responseField: "),
        ("normalizer", "spec.mapping.amount", "$.totals[", "here: spec.mapping.amount: "),
        ("analytics", "spec.queryTemplate.text", "DROP TABLE x", "here: spec.queryTemplate.text"),
        ("analytics", "spec.queryTemplate.text", _query().replace("sum(", "avg("), "here: spec.queryTemplate.text: line 1"),
        ("analytics", "spec.queryTemplate.text", _query(rest=" ORDER BY total LIMIT 1"), r"here: spec\.queryTemplate\.text: line \d+, column \d+: ORDER BY with LIMIT leaves ties"),
        ("analytics", "spec.queryTemplate.text", _query(edge="<=").replace("occurred_at <=", "occurred_at BETWEEN {{window_start}} AND {{window_end}} AND occurred_at <"), r"here: spec\.queryTemplate\.text: line \d+, column \d+: occurred_at: BETWEEN"),
        ("storage", "spec.writeMode", "replace", 'here: spec.writeMode: "replace"'),
    ],
)  # fmt: skip
def test_a_profile_that_no_workflow_can_use_is_named_alone(kind, path, value, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        check_alone(parse_profile(changed(playbook_profile(kind), path, value)).spec, HERE)
    assert re.match(says, caught.value.message)
