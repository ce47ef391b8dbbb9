"""The egress client against real TLS servers that misbehave."""

import gzip
import json
import time

import pytest

from chartly.errors import Reason, RunError
from chartly.extract.records import decode_page
from chartly_connector.egress_client import EgressClient
from chartly_connector.secrets import Credential
from support.connecting import CANARY, FRIEND, HOME, STRANGER, connector_spec
from support.http_servers import authority, in_turn, json_reply, redirect, reply, serving

OK = json_reply({"data": [1]})
PAGE = f"https://{HOME}/items"


def document(response):
    return decode_page(response.body)


def fetch(client, query=None):
    return client.fetch(client.page_target(query or {}), document)


def failed(client, says=None):
    with pytest.raises(RunError) as caught:
        fetch(client)
    if says is not None:
        assert caught.value.message == says
    assert CANARY not in caught.value.message
    return caught.value.reason


def test_a_page_and_what_was_sent_for_it(rig):
    server = rig.serve(in_turn(OK))
    client = rig.client(
        transport={"headers": {"X-Client": "sales"}, "query": {"sort": "id asc"}},
    )
    response, document = fetch(client, {"cursor": "a&b"})
    assert document == {"data": [1]}
    assert (response.status, response.target.public) == (200, PAGE)
    [request] = server.requests
    assert request.target == "/items?sort=id+asc&cursor=a%26b"
    assert request.headers == {
        "host": HOME,
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": "chartly",
        "authorization": f"Bearer {CANARY}",
        "x-client": "sales",
    }
    assert client.traffic.requests == 1
    assert client.traffic.codes == {"200": 1}
    assert client.traffic.bytes == len(response.body)


def test_a_profile_s_own_accept_header_is_sent_once(rig):
    server = rig.serve(in_turn(OK))
    fetch(rig.client(transport={"headers": {"Accept": "text/json"}}))
    assert server.requests[0].headers["accept"] == "text/json"


def test_connections_are_kept(rig):
    server = rig.serve(in_turn(OK))
    client = rig.client()
    for _ in range(5):
        fetch(client)
    assert (len(server.requests), server.opened) == (5, 1)


def test_without_auth_there_is_no_credential(rig):
    server = rig.serve(in_turn(OK))
    fetch(rig.client(secret=None))
    assert "authorization" not in server.requests[0].headers


def test_inv_6_a_redirect_to_another_host_goes_without_the_credential(rig):
    home = rig.serve(in_turn(redirect(f"https://{FRIEND}/moved")))
    friend = rig.serve(in_turn(OK), FRIEND)
    response, _ = fetch(rig.client(transport={"headers": {"X-Client": "sales"}}))
    assert response.target.public == f"https://{FRIEND}/moved"
    assert home.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert friend.targets == ["/moved"]
    assert "authorization" not in friend.requests[0].headers
    assert "x-client" not in friend.requests[0].headers
    assert CANARY not in str(friend.requests)


def test_inv_6_a_page_link_to_another_host_goes_without_the_credential(rig):
    friend = rig.serve(in_turn(OK), FRIEND)
    client = rig.client()
    link = client.link_target(f"https://{FRIEND}/items?page=2", client.page_target({}))
    client.fetch(link, document)
    assert CANARY not in str(friend.requests)


def test_inv_6_another_port_is_another_origin(rig):
    rig.serve(in_turn(redirect(f"https://{HOME}:8443/x")))
    other = rig.serve(in_turn(OK), HOME, port=8443)
    fetch(rig.client(egressPolicy={"ports": [443, 8443]}))
    assert CANARY not in str(other.requests)


@pytest.mark.parametrize(
    ("charset", "codec"), [("utf-16", "utf-16"), ("ISO-8859-1", "latin-1"), ("utf-8", "utf-8-sig")]
)
def test_a_page_is_read_in_the_encoding_that_it_names(rig, charset, codec):
    content = '{"items": [{"name": "Zoë"}]}'
    headers = {"Content-Type": f"application/json; charset={charset}"}
    rig.serve(in_turn(reply(content.encode(codec), headers=headers)))
    response, document = fetch(rig.client())
    assert document == {"items": [{"name": "Zoë"}]}
    assert response.body.decode("utf-8-sig") == content


def test_a_page_in_utf_8_may_not_be_larger_than_one_in_any_other_encoding(rig):
    """INV-7: the limit holds for what is stored, too."""
    body = f'["{"ë" * 600_000}"]'.encode("latin-1")
    headers = {"Content-Type": "application/json; charset=iso-8859-1"}
    rig.serve(in_turn(reply(body, headers=headers)))
    with pytest.raises(RunError, match="larger than transport.maxPayloadBytes 1000000") as caught:
        fetch(rig.client(transport={"maxPayloadBytes": 1_000_000}))
    assert caught.value.reason is Reason.LIMIT_REACHED


def test_a_redirect_at_home_keeps_the_credential(rig):
    server = rig.serve(in_turn(redirect("/items/"), OK))
    fetch(rig.client())
    assert server.targets == ["/items", "/items/"]
    assert server.requests[1].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("to", "says"),
    [
        (f"https://{STRANGER}/", f"host {STRANGER!r} is not in egressPolicy.dnsAllowlist: {HOME}, {FRIEND}"),
        (f"//{STRANGER}/", f"host {STRANGER!r} is not in egressPolicy.dnsAllowlist: {HOME}, {FRIEND}"),
        (f"http://{HOME}/", f"http://{HOME}/ leaves https"),
        ("https://127.0.0.1/", "host '127.0.0.1' is not a DNS name; addresses are not allowed"),
        ("https://169.254.169.254/latest/meta-data/", "host '169.254.169.254' is not a DNS name; addresses are not allowed"),
        (f"https://{HOME}:22/", f"port 22 of {HOME!r} is not allowed; allowed are 443"),
        ("https://[::1]/", "a URL must be https://host[:port]/path in plain ASCII, without a user"),
        ("//[::1", "a link must be a URL whose host is a DNS name"),
    ],
)  # fmt: skip
def test_inv_7_a_redirect_out_of_the_policy_is_refused(rig, status, to, says):
    stranger = rig.serve(in_turn(OK), STRANGER)
    rig.serve(in_turn(redirect(to, status)))
    led = f"the redirect of https://{HOME}/items: {says}"
    assert failed(rig.client(), led) is Reason.EGRESS_DENIED
    assert stranger.opened == 0


def test_inv_7_a_page_link_out_of_the_policy_is_refused(rig):
    client = rig.client()
    with pytest.raises(RunError) as caught:
        client.link_target(f"https://{STRANGER}/?page=2", client.page_target({}))
    assert caught.value.reason is Reason.EGRESS_DENIED
    assert caught.value.message.startswith(f"the next link of https://{HOME}/items: host ")


def test_inv_7_the_base_url_itself_is_held_to_the_ports(rig):
    with pytest.raises(ValueError, match=r"has a port that is not in egressPolicy\.ports"):
        rig.client(egressPolicy={"ports": [8443]})


def test_inv_7_an_allowed_host_at_a_forbidden_address_is_refused(rig):
    """Nothing is pinned, and localhost resolves to loopback."""
    stranger = rig.serve(in_turn(OK), STRANGER)
    client = rig.client(
        transport={"baseUrl": f"https://localhost:{stranger.port}"},
        egressPolicy={"dnsAllowlist": ["localhost"]},
    )
    assert failed(client) is Reason.EGRESS_DENIED
    assert stranger.opened == 0


def test_inv_7_a_refused_address_names_the_url_that_led_to_its_host(rig):
    stranger = rig.serve(in_turn(OK), STRANGER)
    rig.serve(in_turn(redirect(f"https://localhost:{stranger.port}/x?token=t")))
    policy = {"dnsAllowlist": [HOME, "localhost"], "ports": [443, stranger.port]}
    with pytest.raises(RunError) as caught:
        fetch(rig.client(egressPolicy=policy))
    assert caught.value.reason is Reason.EGRESS_DENIED
    assert caught.value.message.startswith(
        f"the redirect of https://{HOME}/items: host 'localhost': "
    )
    assert stranger.opened == 0


def test_five_redirects_are_followed_and_a_sixth_is_not(rig):
    rig.serve(in_turn(*[redirect(f"/{n}") for n in range(5)], OK))
    assert fetch(rig.client())[1] == {"data": [1]}
    endless = rig.serve(lambda number, _request, _server: redirect(f"/{number}"))
    assert (
        failed(rig.client(), f"https://{HOME}/items: more than 5 redirects") is Reason.EGRESS_DENIED
    )
    assert len(endless.requests) == 6


def test_a_redirect_without_a_location_is_a_status(rig):
    rig.serve(in_turn(reply(b"", 302)))
    says = f"{PAGE}: the API answered with status 302"
    assert failed(rig.client(), says) is Reason.UPSTREAM_UNAVAILABLE


def test_no_proxy_of_the_environment_is_asked(rig, monkeypatch):
    proxy = rig.serve(in_turn(reply(b"", 502)), "proxy.example.invalid", tls=False)
    for name in (
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "https_proxy",
        "http_proxy",
        "all_proxy",
    ):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    rig.serve(in_turn(OK))
    fetch(rig.client())
    assert proxy.opened == 0


def test_no_netrc_is_read(rig, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text(f"machine {HOME} login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = rig.serve(in_turn(OK))
    fetch(rig.client(secret=None))
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_ends_it_at_once(rig, status):
    server = rig.serve(in_turn(reply(f"no {CANARY}".encode(), status)))
    says = f"{PAGE}: the API refused the credential with status {status}"
    assert failed(rig.client(), says) is Reason.AUTH_REJECTED
    assert len(server.requests) == 1


def test_a_status_that_will_not_change_ends_it_at_once(rig):
    server = rig.serve(in_turn(reply(b"", 404)))
    assert failed(rig.client(), f"{PAGE}: the API answered with status 404") is Reason.UPSTREAM_UNAVAILABLE  # fmt: skip
    assert len(server.requests) == 1


WHOLE = b"".join(OK)
BAD_ANSWERS = [
    (reply(b"", 500), "status 500", "a server error"),
    (reply(b"", 503), "status 503", "overloaded"),
    ([WHOLE[:-3], b""], "the response is cut short or malformed", "less body than Content-Length"),
    ([WHOLE[:20], b""], "the response is cut short or malformed", "half a header"),
    ([b""], "the response is cut short or malformed", "closed without an answer"),
    ([b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b""], "the response is cut short or malformed", "not HTTP"),
    ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", b""], "the response is cut short or malformed", "a header without end"),
    ([b"HTTP/1.1 200 OK\r\n\r\n[1, 2", b""], "the page is not JSON: Input data was truncated", "cut short without a length"),
    (reply(b"<html>busy</html>"), "the page is not JSON: invalid character (byte 0)", "HTML"),
    (reply(b""), "the page is not JSON: Input data was truncated", "empty"),
    (reply(b"\xff\xff"), "the page is not JSON: invalid character (byte 0)", "not UTF-8"),
    (reply(gzip.compress(b"[1]")[:-2], headers={"Content-Encoding": "gzip"}), "the compressed body is cut short", "gzip cut short"),
    (reply(b"[1]", headers={"Content-Encoding": "br"}), "content-encoding 'br' was not asked for", "brotli"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "says", "because"), BAD_ANSWERS)
def test_a_bad_answer_is_tried_again(rig, answer, says, because):
    server = rig.serve(in_turn(answer, OK))
    client = rig.client()
    assert fetch(client)[1] == {"data": [1]}, because
    assert len(server.requests) == 2
    assert client.traffic.retries == 1


@pytest.mark.parametrize(("answer", "says", "because"), BAD_ANSWERS)
def test_bad_answers_without_end_are_one_sentence(rig, answer, says, because):
    server = rig.serve(in_turn(answer))
    says = f"{PAGE}: {says} (after 3 of 3 attempts)"
    assert failed(rig.client(retry={"maxAttempts": 3}), says) is Reason.UPSTREAM_UNAVAILABLE, (
        because
    )
    assert len(server.requests) == 3


def test_a_response_that_is_given_up_gives_its_connection_back(rig):
    """The pool has fewer connections than there are attempts."""
    server = rig.serve(in_turn(reply(b"[1]", headers={"Content-Encoding": "br"})))
    says = f"{PAGE}: content-encoding 'br' was not asked for (after 8 of 8 attempts)"
    assert failed(rig.client(retry={"maxAttempts": 8}), says) is Reason.UPSTREAM_UNAVAILABLE
    assert len(server.requests) == 8


def test_a_gzip_bomb_ends_it_at_once(rig):
    bomb = gzip.compress(b"\0" * 8_000_000)
    server = rig.serve(in_turn(reply(bomb, headers={"Content-Encoding": "gzip"})))
    says = "a response is larger than transport.maxPayloadBytes 1000000"
    client = rig.client(transport={"maxPayloadBytes": 1_000_000})
    assert failed(client, says) is Reason.LIMIT_REACHED
    assert len(server.requests) == 1


def test_an_endless_body_ends_it_at_once(rig):
    def endless(_number, _request, server):
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while not server.stopping.is_set():
            yield b" " * 65536

    rig.serve(endless)
    client = rig.client(transport={"maxPayloadBytes": 1_000_000})
    assert failed(client) is Reason.LIMIT_REACHED


def dripping(start, drop, every=0.02):
    def script(_number, _request, server):
        yield start
        while not server.stopping.wait(every):
            yield drop

    return script


@pytest.mark.parametrize(
    ("script", "says", "because"),
    [
        (dripping(b"HTTP/1.1 200 OK\r\nX: ", b"a"), "no answer in time", "a header, byte by byte"),
        (dripping(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"), "no answer in time", "answers that are none"),
        (dripping(b"", b"", every=5), "no answer in time", "silence"),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"", every=5), "no answer in time", "silence instead of the body"),
    ],
)  # fmt: skip
def test_a_server_that_drips_is_not_waited_for(rig, script, says, because):
    def silent(number, request, server):
        return (chunk for chunk in script(number, request, server) if chunk)

    rig.serve(silent)
    client = rig.client(transport={"timeoutMs": 300}, retry={"maxAttempts": 1})
    started = time.monotonic()
    assert failed(client, f"{PAGE}: {says} (after 1 of 1 attempts)") is Reason.UPSTREAM_UNAVAILABLE
    assert 0.25 < time.monotonic() - started < 3, because


def test_a_body_that_drips_is_not_waited_for(rig):
    rig.serve(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n[", b" "))
    client = rig.client(transport={"timeoutMs": 300}, retry={"maxAttempts": 1})
    started = time.monotonic()
    assert failed(client) is Reason.UPSTREAM_UNAVAILABLE
    assert time.monotonic() - started < 3


def test_an_unreachable_host_is_one_sentence(rig):
    server = rig.serve(in_turn(OK))
    rig.stack.close()
    client = rig.client(retry={"maxAttempts": 2})
    assert rig.pins == {(HOME, 443): ("127.0.0.1", server.port)}
    says = (
        f"{PAGE}: cannot connect to host {HOME!r} at 127.0.0.1 port {server.port}: Connection "
        "refused; see transport.baseUrl of connector (after 2 of 2 attempts)"
    )
    assert failed(client, says) is Reason.UPSTREAM_UNAVAILABLE


def test_a_certificate_for_another_name_is_not_tried_again(rig):
    server = rig.serve(in_turn(OK), STRANGER)
    rig.pins[HOME, 443] = ("127.0.0.1", server.port)
    client = rig.client()
    assert failed(client) is Reason.UPSTREAM_UNAVAILABLE
    assert client.traffic.retries == 0
    assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_trusted(rig, tmp_path):
    with serving(in_turn(OK), authority(tmp_path), HOME) as server:
        rig.pins[HOME, 443] = ("127.0.0.1", server.port)
        client = rig.client()
        assert failed(client) is Reason.UPSTREAM_UNAVAILABLE
        assert client.traffic.retries == 0
    assert server.requests == []


@pytest.mark.parametrize(
    ("retry_after", "waited"), [("4", 4.0), ("Mon, 02 Feb 2026 12:00:07 GMT", 7.0)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(rig, status, retry_after, waited):
    rig.serve(in_turn(reply(b"", status, {"Retry-After": retry_after}), OK))
    client = rig.client()
    fetch(client)
    assert rig.held.slept == [waited]
    assert client.traffic.throttled_seconds == waited
    assert client.traffic.codes == {str(status): 1, "200": 1}


def test_never_more_requests_in_a_minute_than_the_profile_says(rig):
    rig.serve(in_turn(OK))
    client = rig.client(rateLimit={"maxRequestsPerMinute": 2})
    for _ in range(5):
        fetch(client)
    assert rig.held.slept == [60.0, 60.0]


def test_redirects_and_retries_count_as_requests(rig):
    rig.serve(in_turn(redirect("/a"), reply(b"", 500), OK))
    client = rig.client(rateLimit={"maxRequestsPerMinute": 2})
    fetch(client)
    assert rig.held.slept == [60.0]
    assert client.traffic.requests == 3


def test_what_is_asked_of_the_page_may_end_the_run(rig):
    rig.serve(in_turn(OK))

    def accept(_response):
        raise RunError(Reason.CONFIG_INVALID, "no")

    client = rig.client()
    with pytest.raises(RunError, match="no"):
        client.fetch(client.page_target({}), accept)
    assert client.traffic.requests == 1


def test_inv_6_a_secret_that_names_its_origins_goes_nowhere_else(rig):
    rig.client(origins=frozenset({f"https://{HOME}"}))
    with pytest.raises(RunError) as caught:
        rig.client(origins=frozenset({"https://other.example", f"https://{HOME}:8443"}))
    assert caught.value.reason is Reason.SECRET_ORIGIN_REFUSED
    assert caught.value.message == (
        f"secret api/token may not go to https://{HOME}; its allowed-origins key allows "
        f"https://{HOME}:8443, https://other.example"
    )


def test_inv_6_a_credential_needs_https(rig):
    with pytest.raises(RunError) as caught:
        rig.client(transport={"baseUrl": f"http://{HOME}"})
    assert caught.value.reason is Reason.EGRESS_DENIED
    assert caught.value.message == f"http://{HOME}: a credential needs https"


def test_plain_http_serves_a_profile_that_asks_for_it_without_a_credential(rig):
    server = rig.serve(in_turn(OK), tls=False, port=80)
    fetch(rig.client(secret=None, transport={"baseUrl": f"http://{HOME}"}))
    assert server.targets == ["/items"]


def test_exact_numbers_reach_the_reader(rig):
    rig.serve(in_turn(reply(b'{"a": 100000000000000.01, "b": 123456789012345678901234567890}')))
    assert json.dumps(fetch(rig.client())[1]) == (
        '{"a": "100000000000000.01", "b": 123456789012345678901234567890}'
    )


@pytest.mark.parametrize("value", ["can\r\nary", "can\xe4ry", "canary\n"])
def test_what_no_header_may_carry_is_told_once_and_not_tried_again(rig, value):
    """A credential is checked where it is read; this is the last door."""
    server = rig.serve(in_turn(OK))
    credential = Credential("api/token", value, None)
    client = EgressClient(connector_spec(), rig.transport(), credential, rig.held.clock)
    with pytest.raises(RunError) as caught:
        fetch(client)
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert caught.value.message.startswith(f"{PAGE}: the request cannot be sent; a header's name")
    assert "ary" not in caught.value.message
    assert (server.requests, rig.held.slept, client.traffic.retries) == ([], [], 0)


def test_a_page_token_that_no_url_can_carry_is_told(rig):
    with pytest.raises(RunError) as caught:
        rig.client().page_target({"cursor": "\ud800"})
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "page token holds half of a surrogate pair" in caught.value.message


@pytest.mark.parametrize("to", ["/caf\xe9", "/a b", "/\x01", f"https://{HOME}:0/"])
def test_a_redirect_that_cannot_be_followed_is_told_once(rig, to):
    server = rig.serve(in_turn(redirect(to)))
    assert failed(rig.client()) is Reason.EGRESS_DENIED
    assert len(server.requests) == 1
