"""The connector's process: arguments in; exit code, spool, log, termination message out."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from chartly.api.profile import parse_profile
from chartly.errors import REASONS, Reason, RunError
from chartly.plan.catalog import Catalog
from chartly.plan.resolve import resolve
from chartly.plan.snapshot import freeze
from chartly_connector import __main__ as connector
from chartly_connector.__main__ import Pin, cidr, main, parse_pin
from chartly_spool.file_lock import Peer, peer
from chartly_spool.spool_reader import SpoolReader
from chartly_spool.spool_side import Side
from support.connecting import CANARY, HOME
from support.http_servers import in_turn, json_reply, reply
from support.profiles import HOME as PROJECT
from support.profiles import changed, playbook_profile, workflow
from support.spooling import alone

LAST = json_reply({"data": [{"id": 1}], "next_cursor": None})
LIMITLESS = {"spec.rateLimit.maxRequestsPerMinute": 100_000, "spec.retry.backoffMs": 1}


def snapshot(**changes):
    profiles = []
    for kind in ("connector", "normalizer", "storage", "analytics"):
        source = playbook_profile(kind)
        for path, value in {**LIMITLESS, **changes}.items() if kind == "connector" else ():
            source = changed(source, path, value)
        profiles.append((PROJECT, parse_profile(source)))
    return freeze(resolve(workflow(), Catalog(profiles), PROJECT))


class Place:
    """The folder of one attempt, and the arguments that lead there."""

    def __init__(self, path, rig, **changes):
        self.path = path
        self.rig = rig
        self.spool = path / "spool"
        self.spool.mkdir()
        self.secret = path / "secrets" / "sales-http" / "token"
        self.secret.parent.mkdir(parents=True)
        self.secret.write_text(CANARY + "\n")
        self.frozen = snapshot(**changes)
        self.snapshot = path / "snapshot.json"
        self.snapshot.write_bytes(self.frozen.content)

    def arguments(self, *more):
        pins = [
            f"--connect-to={host}:{port}={address}:{at}"
            for (host, port), (address, at) in self.rig.pins.items()
        ]
        return [
            f"--snapshot={self.snapshot}",
            f"--digest={self.frozen.digest}",
            f"--project={PROJECT}",
            f"--spool={self.spool}",
            f"--secrets={self.path / 'secrets'}",
            f"--cacert={self.rig.trust.cacert}",
            f"--termination-log={self.path / 'termination'}",
            *pins,
            *more,
        ]

    @property
    def termination(self):
        return json.loads((self.path / "termination").read_text())

    def check_no_secret(self, *texts):
        """INV-6: the canary stands in its own file and nowhere else."""
        for file in self.path.rglob("*"):
            if file.is_file() and file != self.secret:
                assert CANARY.encode() not in file.read_bytes(), file
        for text in texts:
            assert CANARY not in text


@pytest.fixture
def signals():
    """Handlers as they were, whatever ``main`` put there."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def place(tmp_path, rig, signals):
    return Place(tmp_path, rig)


def called(place, capsys, *more, arguments=None):
    """The exit code of a call with a loader on the other side, its end, and its stderr."""
    with SpoolReader(place.spool) as reader:
        reader.write_state(alone())
        code = main(place.arguments(*more) if arguments is None else arguments)
        end = reader.end
    err = capsys.readouterr().err
    place.check_no_secret(err)
    assert "Traceback" not in err
    return code, end, err


def test_a_run_that_succeeds(place, rig, capsys):
    server = rig.serve(in_turn(LAST))
    code, end, err = called(place, capsys)
    assert (code, end.reason, end.pages) == (0, Reason.SUCCEEDED, 1)
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert place.termination["reason"] == "Succeeded"
    assert place.termination["counters"]["requests"] == 1
    [line] = [json.loads(one) for one in err.splitlines()]
    assert line["message"] == f"page 0: 1 records from https://{HOME}/"


def test_the_termination_message_is_optional(place, rig, capsys):
    rig.serve(in_turn(LAST))
    wanted = [one for one in place.arguments() if not one.startswith("--term")]
    assert called(place, capsys, arguments=wanted)[0] == 0
    assert sorted(one.name for one in place.path.iterdir()) == ["secrets", "snapshot.json", "spool"]


@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        (reply(CANARY.encode(), 401), Reason.AUTH_REJECTED, "the API refused the credential with status 401"),
        (reply(b"", 500), Reason.UPSTREAM_UNAVAILABLE, "status 500 (after 3 of 3 attempts)"),
        (reply(b"<html>"), Reason.UPSTREAM_UNAVAILABLE, "the page is not JSON"),
        (reply(b"", 302, {"Location": f"https://evil.example/{CANARY}"}), Reason.EGRESS_DENIED, "host 'evil.example' is not in egressPolicy.dnsAllowlist"),
        (reply(b"", 302, {"Location": f"http://{HOME}/{CANARY}"}), Reason.EGRESS_DENIED, f"http://{HOME}/*** leaves https"),
        (reply(b" " * 2_000_000), Reason.LIMIT_REACHED, "a response is larger than transport.maxPayloadBytes 1048576"),
        (json_reply({"data": [], "items": []}), Reason.CONFIG_INVALID, "set records.path"),
    ],
)  # fmt: skip
def test_inv_10_each_failure_is_one_sentence_and_its_exit_code(
    place, rig, capsys, answer, reason, says
):
    rig.serve(in_turn(answer))
    code, end, err = called(place, capsys)
    assert (code, end.reason) == (REASONS[reason].exit_code, reason)
    assert says in end.message
    assert f"{reason}: " in err.splitlines()[-1]
    assert says in err.splitlines()[-1]
    assert place.termination["reason"] == reason.value


def spoiled(place, spoil):
    spoil(place)
    return place


@pytest.mark.parametrize(
    ("spoil", "reason", "says"),
    [
        (lambda place: place.secret.unlink(), Reason.SECRET_MISSING, "secret 'sales-http' key 'token'"),
        (lambda place: place.secret.write_text(f"{CANARY}\n{CANARY}"), Reason.SECRET_MISSING, "holds more than one line"),
        (lambda place: (place.secret.parent / "allowed-origins").write_text("https://other.example"), Reason.SECRET_ORIGIN_REFUSED, f"may not go to https://{HOME}"),
        (lambda place: place.snapshot.write_bytes(place.frozen.content + b" "), Reason.SNAPSHOT_TAMPERED, "the frozen inputs have digest"),
        (lambda place: place.snapshot.unlink(), Reason.CONFIG_INVALID, "snapshot.json: No such file or directory"),
    ],
)  # fmt: skip
def test_what_fails_before_the_pull_is_told_to_the_loader_too(
    place, rig, capsys, spoil, reason, says
):
    """INV-3 and INV-6: nothing leaves with a tampered snapshot or a refused secret."""
    server = rig.serve(in_turn(LAST))
    code, end, err = called(spoiled(place, spoil), capsys)
    assert (code, end.reason, end.pages) == (REASONS[reason].exit_code, reason, 0)
    assert says in end.message
    assert says in err
    assert server.opened == 0


def test_inv_7_without_a_pin_a_name_on_loopback_is_refused(tmp_path, rig, signals, capsys):
    server = rig.serve(in_turn(LAST), "localhost")
    rig.pins.clear()
    place = Place(
        tmp_path,
        rig,
        **{
            "spec.transport.baseUrl": f"https://localhost:{server.port}",
            "spec.egressPolicy.dnsAllowlist": ["localhost"],
            "spec.egressPolicy.allowCidrs": ["127.0.0.0/8"],
        },
    )
    code, end, _ = called(place, capsys, "--grant-cidr=127.0.0.0/8", "--grant-cidr=::1/128")
    assert (code, end.reason) == (4, Reason.EGRESS_DENIED)
    assert server.opened == 0


def trusting(place, folder):
    """The arguments with a folder of trust in place of a certificate file."""
    wanted = [one for one in place.arguments() if not one.startswith("--cacert")]
    return [*wanted, f"--trust={folder}"]


def test_a_project_s_own_authority_is_trusted_beside_the_system_s(place, rig, capsys):
    server = rig.serve(in_turn(LAST))
    trust = place.path / "trust"
    trust.mkdir()
    shutil.copyfile(rig.trust.cacert, trust / "ca.crt")
    code, end, _ = called(place, capsys, arguments=trusting(place, trust))
    assert (code, end.reason) == (0, Reason.SUCCEEDED)
    assert server.opened == 1


@pytest.mark.parametrize("there", [True, False])
def test_a_project_without_an_authority_has_the_system_s(place, rig, capsys, there):
    """The ConfigMap is optional: its folder is empty then."""
    rig.serve(in_turn(LAST))
    trust = place.path / "trust"
    if there:
        trust.mkdir()
    code, end, _ = called(place, capsys, arguments=trusting(place, trust))
    assert (code, end.reason) == (10, Reason.UPSTREAM_UNAVAILABLE)
    assert "TLS: " in end.message


def test_an_authority_that_is_none_is_said(place, capsys):
    """INV-10."""
    (place.path / "ca.crt").write_text("not PEM")
    code, end, _ = called(place, capsys, arguments=trusting(place, place.path))
    assert (code, end.reason) == (3, Reason.CONFIG_INVALID)
    assert end.message == f"--trust {place.path}/ca.crt: must be a file of PEM certificates"


def test_a_loader_that_never_comes_is_not_waited_for_for_ever(place, rig, capsys):
    server = rig.serve(in_turn(LAST))
    assert main(place.arguments("--peer-grace=0.1")) == 12
    assert place.termination["message"] == "the loader did not say where to start"
    assert server.opened == 0


def test_a_spool_that_is_not_there_is_one_sentence(place, capsys):
    shutil.rmtree(place.spool)
    assert main(place.arguments()) == 3
    assert capsys.readouterr().err.startswith(f"ConfigInvalid: {place.spool}")


def test_a_second_connector_leaves_the_first_one_s_spool_alone(place, rig, capsys):
    rig.serve(in_turn(LAST))
    from chartly_spool.spool_writer import SpoolWriter

    with SpoolWriter(place.spool):
        assert main(place.arguments()) == 12
    assert f"the connector's side of spool {place.spool} is in use by" in capsys.readouterr().err
    assert not (place.spool / "end.json").exists()


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--connect-to=nothing", "argument --connect-to: invalid parse_pin value: 'nothing'"),
        ("--grant-cidr=10.0.0.1/8", "argument --grant-cidr: invalid cidr value: '10.0.0.1/8'"),
        ("--spool-limit=much", "argument --spool-limit: invalid int value: 'much'"),
        ("--what", "unrecognized arguments: --what"),
    ],
)
def test_arguments_that_are_none(place, capsys, argument, says):
    """The loader is told, and need not wait for a connector that does not come."""
    with SpoolReader(place.spool) as reader, pytest.raises(SystemExit) as caught:
        main(place.arguments(argument))
    assert caught.value.code == 2
    assert says in capsys.readouterr().err
    assert (reader.end.reason, reader.end.pages) == (Reason.USAGE, 0)


def test_arguments_without_a_spool(capsys):
    with pytest.raises(SystemExit):
        main(["--what"])
    assert "--spool" in capsys.readouterr().err


def _raises(*_arguments, **_more):
    raise TypeError(f"a bug about {CANARY}")


@pytest.mark.parametrize("part", ["thaw", "read_credential", "tls_context", "EgressClient", "pull"])
def test_a_bug_in_the_start_is_told_to_the_loader_at_once(place, rig, capsys, monkeypatch, part):
    """Whatever it is: without an end the loader would wait for its whole grace."""
    server = rig.serve(in_turn(LAST))
    monkeypatch.setattr(connector, part, _raises)
    with SpoolReader(place.spool) as reader:
        reader.write_state(alone())
        code = main(place.arguments())
        end = reader.end
    assert (code, end.reason) == (70, Reason.INTERNAL_ERROR)
    assert end.message == "the connector met TypeError; its log has the details"
    assert place.termination["reason"] == "InternalError"
    assert server.opened == 0
    place.check_no_secret(
        *(() if part in ("thaw", "read_credential") else [capsys.readouterr().err])
    )


def test_a_file_beside_that_cannot_be_written_does_not_change_how_a_pull_ended(place, rig, capsys):
    rig.serve(in_turn(LAST))
    nowhere = f"--termination-log={place.path / 'no' / 't'}"
    code, end, err = called(place, capsys, nowhere)
    assert (code, end.reason) == (0, Reason.SUCCEEDED)
    assert err.count("No such file or directory") == 1


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("a.example:443=127.0.0.1:8443", Pin(("a.example", 443), ("127.0.0.1", 8443))),
        ("a.example:443=[::1]:8443", Pin(("a.example", 443), ("::1", 8443))),
    ],
)
def test_a_pin(text, pin):
    assert parse_pin(text) == pin


@pytest.mark.parametrize(
    "text", ["", "a:1", "a:1=", "=b:1", "a=b", "a:1=b", "a=b:1", "a:x=b:1", ":1=b:1", "a:1=:1"]
)
def test_no_pin(text):
    with pytest.raises(ValueError):  # noqa: PT011 - argparse says it
        parse_pin(text)


def test_a_cidr():
    assert cidr("10.0.0.0/8") == "10.0.0.0/8"


@contextmanager
def running(place):
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "chartly_connector", *place.arguments()],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def stuck(rig):
    """A server whose second page never comes; the event says that it was asked for."""
    asked = threading.Event()

    def script(number, _request, server):
        if number == 0:
            yield from json_reply({"data": [1], "next_cursor": "b"})
        else:
            asked.set()
            server.stopping.wait(30)

    rig.serve(script)
    return asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_connector_that_is_told_to_stop_says_so(place, stuck, number):
    with SpoolReader(place.spool) as reader, running(place) as process:
        reader.write_state(alone())
        assert stuck.wait(20)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 143
        assert reader.end.reason is Reason.TERMINATED
        assert reader.end.pages == 1
        assert len(reader.next_segments(9, 99, 1)) == 1
    assert "Terminated: the connector was told to stop" in err
    assert "Traceback" not in err
    place.check_no_secret(err)


def test_a_killed_connector_is_peer_lost_and_its_pages_are_whole(place, stuck):
    with SpoolReader(place.spool) as reader, running(place) as process:
        reader.write_state(alone())
        assert stuck.wait(20)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
        assert len(reader.next_segments(9, 99, 1)) == 1
        with pytest.raises(RunError) as caught:
            reader.next_segments(9, 99, 20)
    assert caught.value.reason is Reason.PEER_LOST
    assert peer(Side.CONNECTOR.lock_file(place.spool)) is Peer.GONE
    place.check_no_secret()


def test_a_connector_whose_spool_was_taken_away_ends_without_calling_it_a_bug(place, rig):
    rig.serve(lambda number, _request, _server: json_reply({"data": [number], "next_cursor": str(number)}))  # fmt: skip
    with running(place) as process, SpoolReader(place.spool) as reader:
        reader.write_state(alone())
        assert reader.next_segments(1, 1, 20)
        place.spool.rename(place.path / "taken-away")
        _, err = process.communicate(timeout=20)
    assert process.returncode == REASONS[Reason.PEER_LOST].exit_code
    assert "Traceback" not in err
    assert "bug" not in err


def test_a_connector_whose_loader_is_gone_ends(place, rig):
    rig.serve(lambda number, _request, _server: json_reply({"data": [number], "next_cursor": str(number)}))  # fmt: skip
    with running(place) as process:
        with SpoolReader(place.spool) as reader:
            reader.write_state(alone())
            assert reader.next_segments(1, 1, 20)
        process.communicate(timeout=20)
    assert process.returncode == REASONS[Reason.PEER_LOST].exit_code
    place.check_no_secret()
