import asyncio

import aiohttp
import pytest

from chartly_operator.health import HealthServer, Pulse, Signs
from support.fake_clock import FakeClock, settled


def signs(lag=0.0, silence=0.0, crds=True, warm=True, leading=True, contact=0.0):
    return Signs(
        lambda: lag, lambda: silence, lambda: crds, lambda: warm, lambda: leading, lambda: contact
    )


DEAD = [
    ({}, [], "all is well"),
    ({"lag": 4.9}, [], "a busy moment"),
    ({"lag": 5.1}, ["the event loop is 5 s late"], "it stands still"),
    ({"silence": 899}, [], "a quiet cluster, listed ten minutes ago"),
    ({"silence": 901}, ["nothing was seen of the cluster for 901 s"], "a watch that died"),
    ({"crds": False, "warm": False}, [], "a restart would not help"),
]


@pytest.mark.parametrize(("state", "why", "because"), DEAD)
def test_a_process_is_restarted_when(state, why, because):
    assert signs(**state).dead() == why, because


UNREADY = [
    ({}, 0, "it leads"),
    ({"leading": False, "contact": 5}, 0, "it stands by"),
    ({"leading": False, "contact": 31}, 1, "it could not take over"),
    ({"contact": 31}, 0, "a leader knows it from elsewhere"),
    ({"crds": False}, 1, "there is nothing to watch"),
    ({"warm": False}, 1, "it knows nothing yet"),
]


@pytest.mark.parametrize(("state", "reasons", "because"), UNREADY)
def test_a_process_is_ready_when(state, reasons, because):
    assert len(signs(**state).unready()) == reasons, because


def test_a_loop_that_stands_still_is_noticed():
    async def scenario():
        clock = FakeClock()
        pulse = Pulse(clock)
        task = asyncio.create_task(pulse.run())
        await settled()
        await clock.advance(3.5)
        assert pulse.lag() == 0
        clock.jump(7)
        assert pulse.lag() == 6.5
        await clock.advance(1)
        assert pulse.lag() < 1
        task.cancel()

    asyncio.run(scenario())


def test_the_answers_are_plain_text():
    async def scenario():
        server = HealthServer(signs(lag=9, warm=False), lambda: b"chartly_leader 1.0\n")
        port = await server.start("127.0.0.1", 0)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            found = {}
            for path in ("/livez", "/readyz", "/metrics", "/other"):
                async with session.get(path) as answer:
                    found[path] = answer.status, await answer.text()
        await server.stop()
        return found

    found = asyncio.run(scenario())
    assert found["/livez"] == (503, "the event loop is 9 s late\n")
    assert found["/readyz"] == (503, "not everything has been listed yet\n")
    assert found["/metrics"] == (200, "chartly_leader 1.0\n")
    assert found["/other"][0] == 404


def test_a_server_that_never_started_can_be_stopped():
    asyncio.run(HealthServer(signs(), lambda: b"").stop())
