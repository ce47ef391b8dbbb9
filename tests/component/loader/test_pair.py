"""Connector and loader as the two containers of a Pod: two processes and one shared folder."""

import json
import shutil
import signal
import threading
from contextlib import ExitStack, closing
from decimal import Decimal

import pytest

from chartly.names import database
from chartly_spool.segment import STATE
from chartly_store.access import read_access
from chartly_store.attempts import Attempts
from chartly_store.project_store import ProjectStore
from chartly_store.server import Patience, ServerEngine
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.loader_place import Place, running, snapshot
from support.profiles import HOME
from support.sales_api import HOST, Answer, in_order, pages_of, sale, serving

HOME_DATABASE = database(HOME.tenant, HOME.project)
LOADER_USER = User("loader", "canary-loader-9c1b", (HOME_DATABASE,))
TOKEN = "canary-token-77d2"
ROWS = 20
PAGES = pages_of([sale(number) for number in range(ROWS)], 5)
TOTAL = sum(Decimal(f"{number}.25") for number in range(ROWS))
QUICK = {"connector": {"spec.rateLimit.maxRequestsPerMinute": 100_000, "spec.retry.backoffMs": 1}}
PATIENCE = ["--peer-grace", "2"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), [LOADER_USER]) as found:
        yield found


@pytest.fixture
def engine(server, tmp_path):
    with closing(ServerEngine(read_access(server.secret(tmp_path / "admin")), Patience())) as found:
        yield found
    with server.client() as admin:
        admin.command(f"DROP DATABASE IF EXISTS {HOME_DATABASE} SYNC")


class Pod:
    """Both containers of an attempt."""

    def __init__(self, path, server, stack):
        self.path = path
        self.place = Place(path / "pod", server, LOADER_USER, snapshot(QUICK))
        secret = path / "pod" / "secrets" / "sales-http" / "token"
        secret.parent.mkdir(parents=True)
        secret.write_text(TOKEN + "\n")
        self.stack = stack
        self.api = None

    def serve(self, script=None):
        self.api = self.stack.enter_context(serving(self.path, script or in_order(PAGES)))
        trust = self.path / "pod" / "trust"
        trust.mkdir(exist_ok=True)
        shutil.copyfile(self.api.cacert, trust / "ca.crt")
        return self.api

    def connector(self, *more):
        port = self.api.port if self.api else 9
        pod = self.path / "pod"
        arguments = [
            *("--snapshot", str(self.place.snapshot), "--digest", self.place.frozen.digest),
            *("--project", str(HOME), "--spool", str(self.place.spool), "--spool-limit", "1000000"),
            *("--secrets", str(pod / "secrets"), "--trust", str(pod / "trust")),
            *("--connect-to", f"{HOST}:443=127.0.0.1:{port}"),
            *("--termination-log", str(pod / f"connector-{self.place.attempt}"), *more),
        ]
        return self.stack.enter_context(running("chartly_connector", arguments))

    def loader(self, *more):
        arguments = self.place.arguments(*more)
        return self.stack.enter_context(running("chartly_loader", arguments))

    def next(self):
        self.place = self.place.next()

    def ended(self, *processes):
        """The exit codes, once all have ended; no credential is to be seen anywhere (INV-6)."""
        errs = [process.communicate(timeout=40)[1] for process in processes]
        for text in errs:
            assert TOKEN not in text
            assert "Traceback" not in text
        self.place.without_secret(*errs)
        print(errs)
        return [process.returncode for process in processes]

    @property
    def told(self):
        text = (self.path / "pod" / f"connector-{self.place.attempt}").read_text()
        return json.loads(text)


@pytest.fixture
def pod(tmp_path, server, engine):
    with ExitStack() as stack:
        yield Pod(tmp_path, server, stack)


def exact(engine):
    view = ProjectStore(engine, HOME).view("sales-events")
    sql = f"SELECT count(), uniqExact(event_id), sum(amount) FROM {view}"
    assert engine.rows(sql) == [(ROWS, ROWS, TOTAL)]


def started(pod, first):
    """Waits until the side that came first waits for the other."""
    lock = pod.place.spool / ("connector.lock" if first == "connector" else STATE)
    while not (lock.exists() and lock.read_text()):
        pass


@pytest.mark.parametrize("first", ["connector", "loader"])
def test_both_work_whichever_comes_first(pod, engine, first):
    pod.serve()
    one = getattr(pod, first)()
    started(pod, first)
    other = pod.loader() if first == "connector" else pod.connector()
    assert pod.ended(one, other) == [0, 0]
    assert pod.place.told["counts"]["loaded"] == ROWS
    assert pod.place.told["counters"]["pages"] == pod.told["counters"]["pages"] == len(PAGES)
    exact(engine)


def test_a_recorded_run_sends_the_connector_home(pod, engine):
    api = pod.serve()
    assert pod.ended(pod.connector(), pod.loader()) == [0, 0]
    asked = len(api.asked)
    pod.next()
    assert pod.ended(pod.loader(), pod.connector()) == [0, 0]
    assert pod.place.told["recorded"]
    assert len(api.asked) == asked
    exact(engine)


def test_a_connector_whose_loader_never_comes_ends(pod):
    pod.serve()
    assert pod.ended(pod.connector(*PATIENCE)) == [12]
    assert pod.told["reason"] == "PeerLost"
    assert pod.told["message"] == "the loader did not say where to start"


def test_a_loader_whose_connector_never_comes_ends(pod, engine):
    assert pod.ended(pod.loader(*PATIENCE)) == [12]
    assert (pod.place.told["reason"], pod.place.told["message"]) == (
        "PeerLost",
        "no connector came",
    )
    [found] = Attempts(ProjectStore(engine, HOME)).of_run(pod.place.run)
    assert found.reason == "PeerLost"


@pytest.mark.parametrize("spoil", ["snapshot", "secret"])
def test_a_connector_learns_at_once_that_its_loader_cannot_start(pod, spoil):
    """INV-3: the loader says why; the connector sees its lock go."""
    api = pod.serve()
    if spoil == "secret":
        (pod.place.secret / "url").unlink()
    connector = pod.connector()
    started(pod, "connector")
    if spoil == "snapshot":
        # The connector has checked it before; a change in between is the loader's to find.
        while not (pod.place.spool / "connector.lock").read_text():
            pass
        pod.place.snapshot.write_bytes(b"{}")
    codes = pod.ended(connector, pod.loader())
    assert codes == [12, 6 if spoil == "snapshot" else 3]
    assert pod.told["message"] == "the loader ended while pages were on their way"
    assert api.asked == []


@pytest.fixture
def stuck(pod):
    """An API whose third page does not come before the test is over; the event says it was asked."""
    asked, over = threading.Event(), threading.Event()
    real = in_order(PAGES)

    def script(number, request) -> Answer:
        if request.cursor == "c2" and not over.is_set():
            asked.set()
            over.wait(40)
        return real(number, request)

    pod.serve(script)
    yield asked, over
    over.set()


@pytest.mark.parametrize("victim", ["connector", "loader"])
def test_when_one_dies_the_other_ends_and_the_next_attempt_is_exact(pod, engine, stuck, victim):
    """INV-4."""
    asked, over = stuck
    sides = {"connector": pod.connector(), "loader": pod.loader()}
    assert asked.wait(30)
    sides[victim].send_signal(signal.SIGKILL)
    sides[victim].wait(20)
    over.set()
    survivor = "loader" if victim == "connector" else "connector"
    assert pod.ended(sides[survivor]) == [12]
    pod.next()
    assert pod.ended(pod.connector(), pod.loader()) == [0, 0]
    assert pod.place.told["counts"]["read"] == ROWS
    exact(engine)


def test_both_are_told_to_stop_at_once(pod, engine, stuck):
    """As the kubelet does it."""
    asked, over = stuck
    sides = [pod.connector(), pod.loader()]
    assert asked.wait(30)
    for one in sides:
        one.send_signal(signal.SIGTERM)
    assert pod.ended(*sides) == [143, 143]
    over.set()
    [found] = Attempts(ProjectStore(engine, HOME)).of_run(pod.place.run)
    assert found.reason == "Terminated"


def test_without_trust_the_api_is_not_trusted(pod):
    pod.serve()
    (pod.path / "pod" / "trust" / "ca.crt").unlink()
    connector, loader = pod.ended(pod.connector(), pod.loader())
    assert (connector, loader) == (10, 10)
    assert "certificate verify failed" in pod.told["message"] or "TLS: " in pod.told["message"]
