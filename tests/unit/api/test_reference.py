import pytest

from chartly.api.reference import (
    ProfileId,
    Project,
    Reference,
    parse_project,
    parse_reference,
    suggestion_of_kind,
)
from chartly.errors import SpecError

HOME = Project("tenant-demo", "proj-sales")
SALES = ProfileId("connector", "sales-http", "1.0.0")


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("tenant-demo/proj-sales::connector/sales-http@1.0.0", HOME),
        ("connector/sales-http@1.0.0", HOME),
        ("global::connector/sales-http@1.0.0", None),
        ("other/place::connector/sales-http@1.0.0", Project("other", "place")),
    ],
)
def test_references_are_parsed_and_written_in_full(text, scope):
    reference = parse_reference(text, HOME)
    assert reference == Reference(scope, SALES)
    assert str(reference) == f"{scope or 'global'}::connector/sales-http@1.0.0"
    assert parse_reference(str(reference), Project("x", "y")) == reference


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sales-http@1.0.0", "must have the form"),
        ("connector/sales-http", "must have the form"),
        ("connector/sales-http@1.0.0@2", "must have the form"),
        ("a::b::connector/x@1.0.0", "must have the form"),
        ("pipe/sales-http@1.0.0", "kind 'pipe' is not one of connector, normalizer"),
        ("connector/Sales@1.0.0", "name 'Sales' is not allowed"),
        ("connector/sales-http@latest", "version 'latest' is not allowed: it can move"),
        ("connector/sales-http@1.0", "version '1.0' is not allowed"),
        ("demo::connector/sales-http@1.0.0", "project 'demo': must be tenant/project"),
        ("a/b/c::connector/sales-http@1.0.0", "project 'a/b/c'"),
        ("/b::connector/sales-http@1.0.0", "project '/b'"),
        ("::connector/sales-http@1.0.0", "project ''"),
    ],
)
def test_a_bad_reference_is_named_with_its_part(text, says):
    """INV-10."""
    with pytest.raises(SpecError) as caught:
        parse_reference(text, HOME)
    assert says in caught.value.message
    assert f'"{text}"' in caught.value.message


def test_projects():
    assert parse_project("tenant-demo/proj-sales") == HOME
    assert str(HOME) == "tenant-demo/proj-sales"
    assert SALES.object_name == "connector-sales-http-1.0.0"


KNOWN = ["connector/a-http@1.0.0", "storage/a-events@1.0.0", "storage/b@1.0.0"]


@pytest.mark.parametrize(
    ("profile", "known", "says"),
    [
        ("storage/a-event@1.0.0", KNOWN, "did you mean 'storage/a-events@1.0.0'?"),
        ("connector/a-events@1.0.0", KNOWN[1:], "there is no connector profile"),
        ("connector/zzzzzzzzzzzz@7.7.7", KNOWN, "allowed are connector/a-http@1.0.0"),
        ("storag/a-events@1.0.0", KNOWN, "did you mean 'storage/a-events@1.0.0'?"),
        ("nothing", [], "there is none"),
    ],
)
def test_a_suggestion_stays_within_the_kind(profile, known, says):
    assert suggestion_of_kind(profile, known) == says
