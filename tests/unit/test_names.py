import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.names import SLUG, database, is_slug, namespace, slugified, sql_name


@pytest.mark.parametrize(
    ("text", "allowed", "because"),
    [
        ("sales", True, "one word"),
        ("sales-events-2", True, "dashes and digits"),
        ("a" * 40, True, "the longest"),
        ("a" * 41, False, "one too long"),
        ("2sales", False, "starts with a digit"),
        ("sales--events", False, "two dashes would meet the double underscore of ours"),
        ("sales-", False, "ends with a dash"),
        ("-sales", False, "starts with a dash"),
        ("Sales", False, "a capital"),
        ("sales_events", False, "an underscore"),
        ("sales\n", False, "a line break at the end"),
        ("", False, "empty"),
        ("sälës", False, "not ASCII"),
    ],
)
def test_slugs(text, allowed, because):
    assert is_slug(text) is allowed, because


SLUGS = st.from_regex(SLUG, fullmatch=True).filter(is_slug)


@given(SLUGS, SLUGS, SLUGS, SLUGS)
def test_two_projects_never_share_a_database(a, b, c, d):
    """INV-8: the SQL name tells tenant and project apart."""
    assert (database(a, b) == database(c, d)) == ((a, b) == (c, d))


def test_spellings_of_a_name():
    assert sql_name("sales-events") == "sales_events"
    assert database("tenant-demo", "proj-sales") == "tenant_demo__proj_sales"
    assert namespace("tenant-demo", "proj-sales") == "tenant-demo-proj-sales"
    assert slugified("device_health") == "device-health"
