from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.egress.addresses import AddressPolicy, address_policy, objection, unwrapped

OPEN = AddressPolicy()

NEVER = "is loopback, link-local, metadata, multicast or reserved"
PRIVATE = "is private and not in egressPolicy.allowCidrs"
NOT_GLOBAL = "is not a global address"

FORBIDDEN = [
    ("0.0.0.0", NEVER, "this host"),  # noqa: S104 - nothing is bound to it
    ("0.1.2.3", NEVER, "this network"),
    ("127.0.0.1", NEVER, "loopback"),
    ("127.255.255.254", NEVER, "the whole of 127/8 is loopback"),
    ("169.254.169.254", NEVER, "AWS, GCP and Azure metadata"),
    ("169.254.170.2", NEVER, "ECS task metadata"),
    ("168.63.129.16", NEVER, "Azure's wire server, which is_global calls global"),
    ("100.100.100.200", NEVER, "Alibaba metadata, inside CGNAT"),
    ("192.0.0.1", NEVER, "IETF protocol assignments"),
    ("192.0.0.8", NEVER, "IPv4 dummy address, which is_global calls global"),
    ("192.0.0.192", NEVER, "Oracle metadata, which is_global calls global"),
    ("192.0.2.1", NEVER, "TEST-NET-1"),
    ("192.88.99.1", NEVER, "6to4 relay, which is_global calls global"),
    ("198.18.0.1", NEVER, "benchmarking"),
    ("198.19.255.255", NEVER, "benchmarking, last"),
    ("198.51.100.1", NEVER, "TEST-NET-2"),
    ("203.0.113.1", NEVER, "TEST-NET-3"),
    ("224.0.0.1", NEVER, "multicast, which is_global calls global"),
    ("239.255.255.255", NEVER, "multicast, last"),
    ("240.0.0.1", NEVER, "reserved"),
    ("255.255.255.255", NEVER, "broadcast"),
    ("10.0.0.1", PRIVATE, "RFC 1918"),
    ("10.255.255.255", PRIVATE, "RFC 1918, last"),
    ("172.16.0.1", PRIVATE, "RFC 1918"),
    ("172.31.255.255", PRIVATE, "RFC 1918, last"),
    ("192.168.1.1", PRIVATE, "RFC 1918"),
    ("100.64.0.1", PRIVATE, "CGNAT, neither private nor global for Python"),
    ("100.127.255.255", PRIVATE, "CGNAT, last"),
    ("::", NEVER, "unspecified"),
    ("::1", NEVER, "loopback"),
    ("::2", f"leads to 0.0.0.2, which {NEVER}", "v4-compatible of this network"),
    ("::127.0.0.1", f"leads to 127.0.0.1, which {NEVER}", "v4-compatible loopback"),
    ("::ffff:127.0.0.1", f"leads to 127.0.0.1, which {NEVER}", "v4-mapped loopback"),
    ("::ffff:7f00:1", f"leads to 127.0.0.1, which {NEVER}", "v4-mapped in hexadecimal"),
    ("::ffff:10.0.0.1", f"leads to 10.0.0.1, which {PRIVATE}", "v4-mapped private"),
    ("::ffff:169.254.169.254", f"leads to 169.254.169.254, which {NEVER}", "v4-mapped metadata"),
    ("::ffff:0:7f00:1", NOT_GLOBAL, "v4-translated (SIIT)"),
    ("64:ff9b::7f00:1", f"leads to 127.0.0.1, which {NEVER}", "NAT64 loopback"),
    ("64:ff9b::a9fe:a9fe", f"leads to 169.254.169.254, which {NEVER}", "NAT64 metadata"),
    ("64:ff9b::10.0.0.1", f"leads to 10.0.0.1, which {PRIVATE}", "NAT64 private"),
    ("64:ff9b:1::1", NEVER, "NAT64 for local use"),
    ("2002:7f00:1::", f"leads to 127.0.0.1, which {NEVER}", "6to4 loopback"),
    ("2002:a9fe:a9fe::1", f"leads to 169.254.169.254, which {NEVER}", "6to4 metadata"),
    ("2002:c0a8:101::1", f"leads to 192.168.1.1, which {PRIVATE}", "6to4 private"),
    ("2001:0:7f00:1::", NEVER, "Teredo"),
    ("2001:10::1", NEVER, "ORCHID"),
    ("2001:db8::1", NEVER, "documentation"),
    ("3fff::1", NEVER, "documentation, which is_global calls global"),
    ("5f00::1", NEVER, "SRv6, which is_global calls global"),
    ("100::1", NEVER, "discard only"),
    ("100:0:0:1::1", NEVER, "dummy prefix"),
    ("fe80::1", NEVER, "link-local"),
    ("fe80::1%eth0", NEVER, "link-local with a zone"),
    ("febf::1", NEVER, "link-local, last"),
    ("fec0::1", NEVER, "site-local, which is_global calls global"),
    ("fc00::1", PRIVATE, "unique local"),
    ("fdff::1", PRIVATE, "unique local, last"),
    ("fd00:ec2::254", NEVER, "AWS metadata over IPv6"),
    ("fd20:ce::254", NEVER, "GCP metadata over IPv6"),
    ("ff02::1", NEVER, "multicast, which is_global calls global"),
    ("ff0e::1", NEVER, "global multicast"),
    ("4000::1", NOT_GLOBAL, "not assigned"),
    ("200::1", NOT_GLOBAL, "not assigned"),
    ("2130706433", "2130706433 is not an address", "decimal spelling"),
    ("0x7f000001", "0x7f000001 is not an address", "hexadecimal spelling"),
    ("0177.0.0.1", "0177.0.0.1 is not an address", "octal spelling"),
    ("127.1", "127.1 is not an address", "short spelling"),
    ("", " is not an address", "nothing"),
    ("localhost", "localhost is not an address", "a name"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "says", "because"), FORBIDDEN)
def test_inv_7_no_request_leaves_for_it_however_written(address, says, because):
    why = objection(address, OPEN)
    assert why is not None, because
    assert why.endswith(says), because
    assert why.startswith(address), because


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2400:cb00::",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    ],
)  # fmt: skip
def test_public_addresses_pass_up_to_the_edge_of_each_range(address):
    assert objection(address, OPEN) is None


def test_a_private_address_needs_asking_and_granting():
    asked = address_policy((), ("10.1.0.0/16",), ())
    granted = address_policy((), (), ("10.0.0.0/8",))
    both = address_policy((), ("10.1.0.0/16",), ("10.0.0.0/8",))
    assert objection("10.1.2.3", asked) == "10.1.2.3 is private and not granted to this project"
    assert objection("10.1.2.3", granted) == f"10.1.2.3 {PRIVATE}"
    assert objection("10.1.2.3", both) is None
    assert objection("10.2.2.3", both) == f"10.2.2.3 {PRIVATE}"
    assert objection("::ffff:10.1.2.3", both) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "224.0.0.1",
    ],
)
def test_inv_7_loopback_and_metadata_are_never_opened(address):
    everything = ("0.0.0.0/0", "::/0")
    why = objection(address, address_policy((), everything, everything))
    assert why == f"{address} {NEVER}"


@pytest.mark.parametrize(
    ("address", "blocked", "says"),
    [
        ("8.8.8.8", "8.8.0.0/16", "8.8.8.8 is in egressPolicy.blockCidrs"),
        ("::ffff:8.8.8.8", "8.8.0.0/16", "::ffff:8.8.8.8 leads to 8.8.8.8, which is in egressPolicy.blockCidrs"),
        ("64:ff9b::808:808", "8.8.0.0/16", "64:ff9b::808:808 leads to 8.8.8.8, which is in egressPolicy.blockCidrs"),
        ("2606:4700::1", "2606:4700::/32", "2606:4700::1 is in egressPolicy.blockCidrs"),
        ("10.0.0.1", "10.0.0.0/24", "10.0.0.1 is in egressPolicy.blockCidrs"),
    ],
)  # fmt: skip
def test_block_cidrs_come_on_top_and_win(address, blocked, says):
    policy = address_policy((blocked,), ("10.0.0.0/8",), ("10.0.0.0/8",))
    assert objection(address, policy) == says


def test_what_an_address_carries_is_unwrapped_all_the_way():
    nested = ip_address("2002:7f00:1::")
    assert unwrapped(nested) == [nested, ip_address("127.0.0.1")]
    teredo = ip_address("2001:0:808:808::80ff:fffe")
    assert unwrapped(teredo) == [teredo, ip_address("8.8.8.8"), ip_address("127.0.0.1")]
    assert unwrapped(ip_address("8.8.8.8")) == [ip_address("8.8.8.8")]


@given(st.ip_addresses(v=4))
def test_a_disguise_never_opens_what_the_plain_address_does_not(address):
    """INV-7: mapped, NAT64 and 6to4 spellings are judged as what they carry."""
    plain = objection(str(address), OPEN) is None
    value = int(address)
    for disguise in (0xFFFF << 32 | value, 0x64FF9B << 96 | value, 0x2002 << 112 | value << 80):
        assert (objection(str(ip_address(disguise)), OPEN) is None) == plain


@given(st.ip_addresses())
def test_what_passes_is_global_for_python_too(address):
    if objection(str(address), OPEN) is None:
        carried = unwrapped(address)[-1]
        assert carried.is_global
        assert not carried.is_multicast
        assert not carried.is_loopback
