import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.egress.origins import (
    Origin,
    check_target,
    follow,
    origin_policy,
    parse_target,
)
from chartly.errors import Reason, RunError

POLICY = origin_policy("https://api.example.com/v1", ("api.example.com", "cdn.example.com"), ())
HOME = parse_target("https://api.example.com/v1/sales?x=1")

SHAPE = "a URL must be https://host[:port]/path in plain ASCII, without a user"
ADDRESS = "is not a DNS name; addresses are not allowed"


def denied(call, *arguments):
    with pytest.raises(RunError) as caught:
        call(*arguments)
    assert caught.value.reason is Reason.EGRESS_DENIED
    return caught.value.message


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://api.example.com", "https://api.example.com", "/"),
        ("https://API.Example.COM/v1", "https://api.example.com", "/v1"),
        ("HTTPS://a.example/", "https://a.example", "/"),
        ("https://a.example:8443/b?c=d", "https://a.example:8443", "/b?c=d"),
        ("https://a.example:443/", "https://a.example", "/"),
        ("http://a.example:80", "http://a.example", "/"),
        ("https://a.example?c=d", "https://a.example", "/?c=d"),
        ("https://a.example/b#part", "https://a.example", "/b"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example", "/"),
        ("https://localhost/", "https://localhost", "/"),
    ],
)
def test_a_url_is_parsed_once(url, origin, path):
    target = parse_target(url)
    assert (str(target.origin), target.path) == (origin, path)
    assert target.url == origin + path


def test_what_is_shown_has_no_query():
    assert HOME.public == "https://api.example.com/v1/sales"


BAD_URLS = [
    ("", SHAPE, "empty"),
    ("api.example.com", SHAPE, "no scheme"),
    ("https:/api.example.com", SHAPE, "one slash"),
    ("https:///x", SHAPE, "no host"),
    ("https://", SHAPE, "no host"),
    ("https://user@api.example.com/", SHAPE, "user"),
    ("https://user:pass@api.example.com/", SHAPE, "user and password"),
    ("https://api.example.com@evil.example/", SHAPE, "allowed host as user"),
    ("https://evil.example\\@api.example.com/", SHAPE, "backslash, which browsers read as slash"),
    ("https://api.example.com\\.evil.example/", SHAPE, "backslash in the host"),
    ("https://api.example.com/a\\b", SHAPE, "backslash in the path"),
    ("https://api.example.com /", SHAPE, "space"),
    ("https://api.example.com/\r\nHost: x", SHAPE, "header injection"),
    ("https://api.example.com\t/", SHAPE, "tab, which urlsplit drops"),
    ("https://api.example.com\x00.evil/", SHAPE, "NUL"),
    ("https://b\u00fccher.example/", SHAPE, "not ASCII"),
    ("https://\u0430pi.example.com/", SHAPE, "Cyrillic a"),
    ("https://\uff41pi.example.com/", SHAPE, "full-width a"),
    ("https://127\u30020\u30020\u30021/", SHAPE, "ideographic full stops"),
    ("https://\u2460\u2461\u2466.0.0.1/", SHAPE, "circled digits"),
    ("https://a%2eexample/", SHAPE, "escaped dot"),
    ("https://a_b.example/", SHAPE, "underscore"),
    ("https://[::1]/", SHAPE, "IPv6 loopback"),
    ("https://[::ffff:127.0.0.1]/", SHAPE, "mapped loopback"),
    ("https://[fe80::1%25eth0]/", SHAPE, "zone"),
    ("https://api.example.com:/", SHAPE, "empty port"),
    ("https://api.example.com:x/", SHAPE, "port in letters"),
    ("https://api.example.com:443:443/", SHAPE, "two ports"),
    ("https://api.example.com:000443/", SHAPE, "six digits of port"),
    ("https://a.example/" + "x" * 9000, "a URL of 9018 characters is too long; allowed are 8192", "too long"),
    ("https://127.0.0.1/", f"host '127.0.0.1' {ADDRESS}", "loopback"),
    ("https://8.8.8.8/", f"host '8.8.8.8' {ADDRESS}", "public address"),
    ("https://2130706433/", f"host '2130706433' {ADDRESS}", "decimal loopback"),
    ("https://0x7f000001/", f"host '0x7f000001' {ADDRESS}", "hexadecimal loopback"),
    ("https://0x7f.1/", f"host '0x7f.1' {ADDRESS}", "mixed loopback"),
    ("https://017700000001/", f"host '017700000001' {ADDRESS}", "octal loopback"),
    ("https://0177.0.0.1/", f"host '0177.0.0.1' {ADDRESS}", "octal part"),
    ("https://127.1/", f"host '127.1' {ADDRESS}", "short loopback"),
    ("https://0/", f"host '0' {ADDRESS}", "this host"),
    ("https://169.254.43518/", f"host '169.254.43518' {ADDRESS}", "metadata in three parts"),
    ("https://127.0.0.1./", f"host '127.0.0.1.' {ADDRESS}", "address with a final dot"),
    ("https://api.example.com./", f"host 'api.example.com.' {ADDRESS}", "final dot"),
    ("https://a..example/", f"host 'a..example' {ADDRESS}", "empty label"),
    ("https://-a.example/", f"host '-a.example' {ADDRESS}", "leading hyphen"),
    ("https://a-.example/", f"host 'a-.example' {ADDRESS}", "trailing hyphen"),
    ("ftp://api.example.com/", "scheme 'ftp' is not allowed; allowed is https", "ftp"),
    ("file://api.example.com/etc/passwd", "scheme 'file' is not allowed; allowed is https", "file"),
    ("gopher://api.example.com/", "scheme 'gopher' is not allowed; allowed is https", "gopher"),
    ("javascript://a.example/%0aalert(1)", "scheme 'javascript' is not allowed; allowed is https", "javascript"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "says", "because"), BAD_URLS)
def test_inv_7_a_url_that_readers_do_not_agree_on_is_refused(url, says, because):
    assert denied(parse_target, url) == says, because


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("?page=2", "https://api.example.com/v1/sales?page=2"),
        ("orders", "https://api.example.com/v1/orders"),
        ("/v2", "https://api.example.com/v2"),
        ("../x", "https://api.example.com/x"),
        ("//cdn.example.com/x", "https://cdn.example.com/x"),
        ("https://cdn.example.com/x?y", "https://cdn.example.com/x?y"),
        ("https://API.example.com/", "https://api.example.com/"),
    ],
)
def test_a_link_is_followed_within_the_policy(link, leads):
    assert follow(HOME, link, POLICY).url == leads


@pytest.mark.parametrize(
    ("link", "says", "because"),
    [
        ("https://evil.example/", "host 'evil.example' is not in egressPolicy.dnsAllowlist: api.example.com, cdn.example.com", "another host"),
        ("//evil.example/x", "host 'evil.example' is not in egressPolicy.dnsAllowlist: api.example.com, cdn.example.com", "another host, scheme-relative"),
        ("https://sub.api.example.com/", "host 'sub.api.example.com' is not in egressPolicy.dnsAllowlist: api.example.com, cdn.example.com", "a subdomain is another host"),
        ("https://api.example.com.evil.example/", "host 'api.example.com.evil.example' is not in egressPolicy.dnsAllowlist: api.example.com, cdn.example.com", "a longer name"),
        ("http://api.example.com/", "http://api.example.com/ leaves https", "downgrade"),
        ("http://cdn.example.com/a?token=t", "http://cdn.example.com/a leaves https", "downgrade, without the query in the message"),
        ("https://api.example.com:8443/", "port 8443 of 'api.example.com' is not allowed; allowed are 443", "another port"),
        ("https://api.example.com:0/", "port 0 of 'api.example.com' is not allowed; allowed are 443", "port 0"),
        ("https://api.example.com:99999/", "port 99999 of 'api.example.com' is not allowed; allowed are 443", "no port at all"),
        ("https://user@api.example.com/", SHAPE, "user"),
        ("https://127.0.0.1/", f"host '127.0.0.1' {ADDRESS}", "address"),
        ("ftp://api.example.com/", "scheme 'ftp' is not allowed; allowed is https", "another scheme"),
        ("javascript:alert(1)", SHAPE, "no authority"),
        ("//[::1", "a link must be a URL whose host is a DNS name", "half a bracket, which urljoin cannot read"),
        ("https://[abc]/", "a link must be a URL whose host is a DNS name", "brackets around a name"),
        ("", "a link must be a URL in plain ASCII", "empty"),
        ("/a b", "a link must be a URL in plain ASCII", "space"),
        ("/a\nb", "a link must be a URL in plain ASCII", "line feed"),
        ("/\u00e9", "a link must be a URL in plain ASCII", "not ASCII"),
        (5, "a link must be a URL in plain ASCII", "a number"),
    ],
)  # fmt: skip
def test_inv_7_a_link_out_of_the_policy_is_refused(link, says, because):
    assert denied(follow, HOME, link, POLICY) == f"the link of {HOME.public}: {says}", because


def test_a_profile_may_name_more_ports():
    policy = origin_policy("https://a.example:8443", ("a.example",), (443, 9443))
    assert policy.ports == {443, 9443}
    assert origin_policy("https://a.example:8443", ("a.example",), ()).ports == {8443}
    check_target(parse_target("https://a.example:9443/"), policy)
    says = "port 8443 of 'a.example' is not allowed; allowed are 443, 9443"
    assert denied(check_target, parse_target("https://a.example:8443/"), policy) == says


def test_http_is_left_to_a_profile_whose_base_url_is_http():
    policy = origin_policy("http://a.example", ("a.example",), (80, 443))
    start = parse_target("http://a.example/")
    assert follow(start, "/x", policy).url == "http://a.example/x"
    up = follow(start, "https://a.example/", policy)
    assert up.origin == Origin("https", "a.example", 443)
    assert (
        denied(follow, up, "http://a.example/", policy, "redirect")
        == "the redirect of https://a.example/: http://a.example/ leaves https"
    )
    assert (
        denied(check_target, start, origin_policy("https://a.example", ("a.example",), (80,)))
        == "http://a.example/ leaves https"
    )


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7F), max_size=60))
def test_inv_7_no_link_leads_out_or_fails_otherwise(tail):
    reasons = set()
    for link in (tail, f"//{tail}", f"https://{tail}", f"https://api.example.com{tail}"):
        try:
            target = follow(HOME, link, POLICY)
        except RunError as error:
            reasons.add(error.reason)
        else:
            assert target.origin.host in POLICY.hosts
            assert target.origin.scheme == "https"
            assert target.origin.port == 443
    assert reasons <= {Reason.EGRESS_DENIED}
