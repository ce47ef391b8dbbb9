"""What the client makes of answers, good and bad; what both servers do is in tests/contract."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from chartly.reconcile.actions import Key
from chartly_kube import kube_client as client_module
from chartly_kube.api_errors import failure
from chartly_kube.connection import CannotConnect, credentials, load_configuration
from chartly_kube.kube_client import KubeClient
from chartly_kube.kube_port import (
    AlreadyExists,
    Conflict,
    Expired,
    NotFound,
    Refused,
    Unavailable,
)
from support.fake_api import TOKEN, fake_api, kubeconfig

KEY = Key("ConfigMap", "a", "one")
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}


def status(code, reason="", message="", **details):
    import json

    return json.dumps(
        {"kind": "Status", "reason": reason, "message": message, "details": details}
    ).encode()


ANSWERS = [
    (404, b"", NotFound, "the object is not there"),
    (410, b"", Expired, "the list has to begin again"),
    (409, status(409, "AlreadyExists"), AlreadyExists, "the name is taken"),
    (409, status(409, "Conflict"), Conflict, "somebody was faster"),
    (409, b"not json", Conflict, "so it is when nobody says why"),
    (422, status(422, "Invalid"), Refused, "it will not be better next time"),
    (
        422,
        status(422, "Invalid", causes=[{"field": "metadata.uid"}]),
        Conflict,
        "the name belongs to another object now",
    ),
    (403, status(403, "Forbidden"), Refused, "a Role is missing"),
    (400, b"[]", Refused, "a body that is no object is no reason"),
    (401, b"", Unavailable, "the token is read anew"),
    (429, b"", Unavailable, "later"),
    (500, b"", Unavailable, "it may have happened"),
    (503, b"<html>", Unavailable, "a proxy answered"),
    (599, b"", Unavailable, "a code that nobody knows"),
]


@pytest.mark.parametrize(("code", "body", "kind", "because"), ANSWERS)
def test_an_answer_means(code, body, kind, because):
    found = failure("get /x", code, {}, body)
    assert type(found) is kind, because
    assert str(found).startswith(f"cannot get /x: {code}")


WAITS = [
    ({"Retry-After": "7"}, b"", 7.0, "the header says"),
    ({}, status(429, retryAfterSeconds=3), 3.0, "the body says"),
    ({}, b"", None, "nobody says"),
    ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", None, "a date is not for us"),
]


@pytest.mark.parametrize(("headers", "body", "seconds", "because"), WAITS)
def test_how_long_to_wait(headers, body, seconds, because):
    assert failure("list", 429, headers, body).retry_after == seconds, because


def test_a_message_is_cut():
    assert len(str(failure("get", 422, {}, status(422, "Invalid", "x" * 5000)))) < 450


@asynccontextmanager
async def connected(fake, folder, seen=None):
    configuration = await load_configuration({"KUBECONFIG": str(kubeconfig(fake, folder))})
    observe = (lambda verb, code: seen.append((verb, code))) if seen is not None else None
    port = KubeClient(configuration, *([observe] if observe else []))
    try:
        yield port
    finally:
        await port.close()


def test_every_request_is_counted(tmp_path):
    async def scenario():
        seen = []
        async with fake_api([SPACE]) as fake, connected(fake, tmp_path, seen) as port:
            with pytest.raises(NotFound):
                await port.get(KEY)
            await port.listed("Job", None, dict)
            # aiohttp itself tries a GET once more on a connection that it had kept open.
            fake.fault("get", "ConfigMap", lost="before", times=2)
            with pytest.raises(Unavailable, match="ServerDisconnectedError"):
                await port.get(KEY)
        assert seen == [("get", 404), ("list", 200), ("get", 0)]

    asyncio.run(scenario())


def test_a_list_whose_pages_took_too_long_is_asked_for_at_once(tmp_path, monkeypatch):
    """An expired continuation is answered by 410."""
    monkeypatch.setattr(client_module, "_PAGE", 1)

    async def scenario():
        spaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in "abc"
        ]
        async with fake_api(spaces) as fake, connected(fake, tmp_path) as port:
            lists = iter(range(9))
            fault = fake.fault("list", "Namespace", code=410)
            fault.when = lambda verb, _key: verb == "list" and next(lists) == 1
            found = await port.listed("Namespace", None, lambda one: one["metadata"]["name"])
            assert sorted(found) == ["a", "b", "c"]
            assert [one.code for one in fake.calls] == [200, 410, 200]

    asyncio.run(scenario())


def test_connections_are_used_again(tmp_path):
    async def scenario():
        async with fake_api([SPACE]) as fake, connected(fake, tmp_path) as port:
            await asyncio.gather(*(port.listed("Job", None, dict) for _ in range(4)))
            before = len(port._session._open.connector._conns)
            for _ in range(20):
                await port.listed("Job", None, dict)
            assert len(port._session._open.connector._conns) == before == 1

    asyncio.run(scenario())


def test_who_is_not_let_in_may_try_again(tmp_path):
    async def scenario():
        async with fake_api([SPACE]) as fake, connected(fake, tmp_path) as port:
            port._session._configuration.api_key["BearerToken"] = "Bearer old"
            with pytest.raises(Unavailable, match="401") as raised:
                await port.get(KEY)
            assert "old" not in str(raised.value)

    asyncio.run(scenario())


def test_an_answer_that_is_not_the_api_server_s_is_no_answer(tmp_path):
    async def scenario():
        async def greet(_request):
            return web.Response(text="<html>hello")

        app = web.Application()
        app.router.add_get("/{path:.*}", greet)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with fake_api() as fake:
                fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                async with connected(fake, tmp_path) as port:
                    with pytest.raises(Unavailable, match="the answer is not JSON"):
                        await port.get(KEY)
        finally:
            await runner.cleanup()

    asyncio.run(scenario())


def test_a_first_entry_that_another_made_meanwhile_is_a_conflict(tmp_path):
    async def scenario():
        async with fake_api([SPACE]) as fake, connected(fake, tmp_path) as port:
            fake.fault("create", "ConfigMap", code=409, reason="AlreadyExists")
            with pytest.raises(Conflict):
                await port.add_data(KEY, {}, {"1.0.0": "a"})

    asyncio.run(scenario())


def test_without_our_group_nothing_is_served(tmp_path):
    async def scenario():
        async with fake_api() as fake, connected(fake, tmp_path) as port:
            fake.crds = False
            assert await port.served_kinds() == frozenset()

    asyncio.run(scenario())


def test_credentials_are_for_others_but_not_for_print(tmp_path):
    """INV-6."""

    async def scenario():
        async with fake_api() as fake:
            path = kubeconfig(fake, tmp_path)
            found = await credentials(await load_configuration({"KUBECONFIG": str(path)}))
            assert (found.server, found.token) == (fake.url, TOKEN)
            assert TOKEN not in repr(found)

    asyncio.run(scenario())


def test_a_service_account_s_token_is_read_anew(tmp_path, monkeypatch):
    from kubernetes.aio.config import incluster_config

    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    ca.write_text("ca")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    async def scenario():
        configuration = await load_configuration({})
        found = await credentials(configuration)
        assert (found.server, found.token) == ("https://10.0.0.1:443", "first")
        assert found.ca_path == str(ca)
        token.write_text("second")
        hook = configuration.refresh_api_key_hook
        loader = next(
            one.cell_contents
            for one in hook.__closure__
            if hasattr(one.cell_contents, "token_expires_at")
        )
        loader.token_expires_at = loader.token_expires_at.replace(year=2000)
        assert (await credentials(configuration)).token == "second"

    asyncio.run(scenario())


@pytest.mark.parametrize("path", [None, "nothing"])
def test_nowhere_to_connect_to_is_one_sentence(path, tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    given = {} if path is None else {"KUBECONFIG": str(tmp_path / path)}
    with pytest.raises(CannotConnect, match="cannot tell where the API server is: .*KUBECONFIG"):
        asyncio.run(load_configuration(given))
