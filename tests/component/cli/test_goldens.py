"""Goldens say the type of each value: nothing but another spelling of the same JSON passes."""

import json

import pytest

from chartly.extract.canonical import canonical_json
from chartly.extract.records import decode_page
from chartly_cli.fixtures import compare, fixtures_of
from chartly_folder.object_files import read_workspace
from support.command import chartly, edit, sales_folder

GOLDEN = "fixtures/sales.expected.canonical.json"
NORMALIZER = "profiles/normalizer-sales-default@1.0.0.yaml"
TO_NUMBER = "    - op: toNumber\n      field: amount\n"


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    """A folder, its one fixture and the plan that shapes it; tests change the golden alone."""
    folder = sales_folder(tmp_path_factory.mktemp("goldens") / "sales")
    workspace = read_workspace(folder)
    workflow = workspace.workflow("sales")
    (fixture,) = fixtures_of(workspace.fixtures, workflow)
    return fixture, workspace.freeze(workflow).plan


@pytest.mark.parametrize(
    ("member", "value", "because"),
    [
        ("amount", '"19.99"', "the text of a number is no number"),
        ("amount", "19.990000000000001", "a digit more"),
        ("amount", "true", "a boolean"),
        ("amount", "[19.99]", "a list of one"),
        ("amount", "null", "a null is not the same as a value"),
        ("event_id", '"sale_001\\u2028"', "a line separator more"),
        ("event_id", '"sale_001\\n"', "a line end more"),
        ("currency", '"usd"', "another case"),
        ("occurred_at", '"2026-02-02T12:00:00.0Z"', "another spelling of the instant"),
        ("occurred_at", "1770033600", "the instant as a number"),
        ("extra", "null", "a null that no event holds"),
        ("extra", '""', "one member more"),
    ],
)
def test_a_golden_with_another_value_differs(domain, member, value, because):
    fixture, plan = domain
    _write(fixture, {member: value})
    compared = compare(fixture, plan)
    assert not compared.conforms, because
    assert compared.difference, "and it is shown how"


@pytest.mark.parametrize(
    ("member", "value"), [("amount", "19.990"), ("amount", "1999e-2"), ("currency", '"\\u0055SD"')]
)
def test_another_spelling_of_the_same_json_conforms(domain, member, value):
    fixture, plan = domain
    _write(fixture, {member: value})
    assert (compare(fixture, plan).conforms, compare(fixture, plan).difference) == (True, "")


def test_what_conforms_is_equal_in_canonical_json(domain):
    fixture, plan = domain
    _write(fixture, {})
    compared = compare(fixture, plan)
    assert (compared.events, compared.conforms) == (1, True)
    fixture.canonical.write_text("5")
    assert compare(fixture, plan).difference.splitlines()[3] == "-5"


def _write(fixture, changes):
    event = {
        "event_id": "sale_001",
        "occurred_at": "2026-02-02T12:00:00Z",
        "amount": decode_page(b"19.99"),
        "currency": "USD",
        "customer_id": "cust_123",
        "type": "sales.event",
    }
    members = {name: canonical_json(value).decode() for name, value in event.items()} | changes
    text = ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items())
    fixture.canonical.write_text(f"{{{text}}}")


@pytest.fixture
def untyped(tmp_path):
    """A domain whose events hold the text "19.99" where the golden has the number."""
    folder = sales_folder(tmp_path / "sales")
    edit(folder / NORMALIZER, TO_NUMBER, "")
    workflow = next((folder / "workflows").iterdir())
    text = workflow.read_text()
    # Its query could not sum text, which is another mistake.
    workflow.write_text(text[: text.index("    - type: analytics_query")])
    return folder


def test_every_command_sees_that_a_transform_is_gone(untyped):
    outcome = chartly(untyped, "test", "sales")
    assert (outcome.code, "FAIL  sales: 1 event, not as in the golden" in outcome.out) == (
        21,
        True,
    )
    assert '-  "amount":19.99,' in outcome.out
    assert '+  "amount":"19.99",' in outcome.out
    outcome = chartly(untyped, "conformance", "--update")
    assert (outcome.code, '"amount":"19.99"' in outcome.out) == (21, True)
    assert "differ: sales" in chartly(untyped, "status", "sales").out
