from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.egress import addresses
from chartly.egress.addresses import AddressPolicy, objection
from chartly.errors import SpecError
from chartly.manifests.network import (
    CLOSED,
    METADATA,
    PUBLIC,
    parse_cidr,
    parse_store,
    run_policies,
)

RUNS = {"matchLabels": {"app.kubernetes.io/managed-by": "chartly"}}


def egress(url=None, cidrs=(), granted=()):
    store = parse_store(url, cidrs) if url else None
    return run_policies(store, granted)["chartly-runs-egress"]["egress"]


def opened(rules):
    """Ranges that are open on every port, without what is taken out of them."""
    blocks = [
        peer["ipBlock"]
        for rule in rules
        for peer in rule["to"]
        if "ipBlock" in peer and "port" not in rule["ports"][0]
    ]
    return [(ip_network(one["cidr"]), [*map(ip_network, one.get("except", []))]) for one in blocks]


def may_reach(address, rules):
    found = ip_address(address)
    return any(
        found in network and not any(found in one for one in out) for network, out in opened(rules)
    )


def test_everything_is_closed_to_begin_with():
    """INV-8: no Pod of another project gets in, and nothing gets out unsaid."""
    closed = run_policies(None, ())["chartly-runs-closed"]
    assert closed == {"podSelector": RUNS, "policyTypes": ["Ingress", "Egress"]}
    policy = run_policies(None, ())["chartly-runs-egress"]
    assert policy["podSelector"] == RUNS
    assert policy["policyTypes"] == ["Egress"]


def test_names_are_asked_of_the_cluster_only():
    names = egress()[0]
    assert [one["port"] for one in names["ports"]] == [53, 53]
    assert names["to"][0] == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    }


def test_the_closed_ranges_are_those_of_the_connector():
    """INV-7: the fence in the network is the connector's, as far as it can be said there."""
    told = {*addresses._NEVER, *addresses._PRIVATE}
    wanted = {
        one for one in told for whole in PUBLIC if one.version == whole.version and one.subnet_of(whole)
    }  # fmt: skip
    within_another = {ip_network("100.100.100.200/32")}
    assert set(CLOSED) == (wanted - within_another) | {ip_network("2002::/16")}
    assert set(METADATA) <= told


@given(st.ip_addresses(v=4))
def test_what_the_connector_may_reach_the_network_lets_through(address):
    """INV-7, both ways, for every address of version 4."""
    allowed = objection(str(address), AddressPolicy()) is None
    assert may_reach(address, egress()) is allowed


@given(st.ip_addresses(v=6))
def test_what_the_network_lets_through_of_version_6_is_global(address):
    if may_reach(address, egress()):
        assert address in PUBLIC[1]


def test_granted_ranges_are_open():
    rules = egress(granted=("10.20.0.0/16", "fd12::/64"))
    assert may_reach("10.20.3.4", rules)
    assert may_reach("fd12::1", rules)
    assert not may_reach("10.21.0.1", rules)
    assert rules[-1]["ports"] == [{"protocol": "TCP"}]


def test_a_grant_opens_no_metadata_service():
    """INV-7."""
    rules = egress(granted=("100.64.0.0/10", "fd00::/8"))
    assert may_reach("100.64.0.1", rules)
    assert may_reach("fd00:ec2::1", rules)
    for address in ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254"):
        assert not may_reach(address, rules)


@pytest.mark.parametrize(
    ("url", "cidrs", "peers", "port", "because"),
    [
        ("http://10.200.0.1:8124", (), [{"ipBlock": {"cidr": "10.200.0.1/32"}}], 8124, "an address is itself"),
        ("http://[fd00::5]", (), [{"ipBlock": {"cidr": "fd00::5/128"}}], 8123, "8123 is the engine's port for http"),
        ("https://ch.data.svc", (), [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}}}], 8443, "a Service's name holds its namespace"),
        ("http://ch.data.svc.cluster.local:9", (), [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}}}], 9, "with the cluster's domain too"),
        ("http://ch", (), [{"podSelector": {}}], 8123, "a bare name is in the same namespace"),
        ("https://ch.example.test", ("10.9.0.0/24",), [{"ipBlock": {"cidr": "10.9.0.0/24"}}], 8443, "a name that leads to private addresses needs them said"),
    ],
)  # fmt: skip
def test_the_way_to_the_store(url, cidrs, peers, port, because):
    assert egress(url, cidrs)[2] == {"to": peers, "ports": [{"protocol": "TCP", "port": port}]}


def test_a_store_with_a_public_name_needs_no_rule_of_its_own():
    store = parse_store("https://ch.example.test")
    assert store.is_public_only
    assert run_policies(store, ()) == run_policies(None, ())
    assert not parse_store("https://10.0.0.1").is_public_only


@pytest.mark.parametrize(
    "url",
    [
        "ch:8123",
        "ftp://ch",
        "http://",
        "http://admin:canary-pw@ch",
        "http://admin@ch",
        "http://ch/db",
        "http://ch?user=a",
        "http://ch:port",
        "http://ch:99999",
    ],
)
def test_a_store_url_that_is_not_plain_is_refused_without_repeating_it(url):
    """INV-6, INV-10."""
    with pytest.raises(SpecError, match="http.s.://host") as raised:
        parse_store(url)
    assert "canary" not in raised.value.message


def test_a_trailing_slash_is_no_path():
    assert parse_store("http://ch:8123/").url == "http://ch:8123"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33"])
def test_a_range_that_is_none_is_told(text):
    """INV-10."""
    with pytest.raises(SpecError, match="must be a CIDR such as 10.20.0.0/16"):
        parse_cidr(text)
