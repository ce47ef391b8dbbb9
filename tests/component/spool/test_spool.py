"""Both sides of the spool, in threads and in processes that are killed."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from chartly.errors import Reason, RunError
from chartly.slices import SliceState
from chartly_spool.file_lock import FileLock, Peer, holder, peer
from chartly_spool.segment import (
    STATE,
    Counters,
    End,
    SegmentMeta,
    digest,
    dump_meta,
    meta_name,
)
from chartly_spool.spool_reader import SpoolReader
from chartly_spool.spool_side import Side
from chartly_spool.spool_writer import SpoolWriter
from support.spooling import MAIN, alone

DONE = End(0, Reason.SUCCEEDED, "", Counters())


def meta(number, body):
    return SegmentMeta(
        number, MAIN, number, len(body), digest(body), "https://a.example/", 200, 1, None, "t"
    )


def put(writer, number, body=b"{}"):
    return writer.write(meta(number, body), body)


def names(path):
    kept = (one.name for one in path.iterdir() if not one.name.endswith(".lock"))
    return sorted(name for name in kept if name != STATE)


@contextmanager
def lost(says):
    with pytest.raises(RunError) as caught:
        yield
    assert caught.value.reason is Reason.PEER_LOST
    assert says in caught.value.message


@contextmanager
def held_elsewhere(path: Path):
    """A process that holds a lock and is killed by SIGKILL when the block asks or ends."""
    code = (
        "import sys, pathlib; from chartly_spool.file_lock import FileLock\n"
        "from chartly.errors import Reason\n"
        "FileLock(pathlib.Path(sys.argv[1]), 'it', Reason.PEER_LOST).acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None

    def kill():
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    try:
        assert process.stdout.readline() == "held\n"
        yield process, kill
    finally:
        if process.poll() is None:
            kill()
        process.stdin.close()
        process.stdout.close()


@contextmanager
def concurrently(call):
    """Runs ``call`` beside the block, and raises what it raised."""
    failures = []

    def run():
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - handed on below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield failures
    finally:
        thread.join(20)
        assert not thread.is_alive()


def lock_on(path, reason=Reason.STORE_UNAVAILABLE):
    return FileLock(path, f"store {path.parent}", reason)


def test_a_lock_file_names_its_holder_and_whether_it_is_alive(tmp_path):
    path = Side.CONNECTOR.lock_file(tmp_path)
    assert peer(path) is Peer.AWAITED
    assert holder(path) == ""
    with lock_on(path) as lock:
        assert peer(path) is Peer.ALIVE
        assert holder(path) == str(os.getpid())
    assert peer(path) is Peer.GONE
    lock.release()
    with lock_on(path):
        assert peer(path) is Peer.ALIVE


@pytest.mark.parametrize("reason", [Reason.STORE_UNAVAILABLE, Reason.PEER_LOST])
@pytest.mark.parametrize("named", [True, False])
def test_a_lock_that_is_held_is_one_sentence_with_the_reason_of_its_resource(
    tmp_path, reason, named
):
    """Between taking the lock and writing into the file its holder has no name."""
    path = tmp_path / "lock"
    with lock_on(path):
        if not named:
            path.write_bytes(b"")
        with pytest.raises(RunError) as caught:
            lock_on(path, reason).acquire()
    holding = f"process {os.getpid()}" if named else "another process"
    assert caught.value.reason is reason
    assert caught.value.message == (
        f"store {tmp_path} is in use by {holding}; wait for it or end it"
    )


def test_a_lock_that_could_not_be_taken_releases_nothing(tmp_path):
    path = tmp_path / "lock"
    with lock_on(path):
        second = lock_on(path)
        with pytest.raises(RunError):
            second.acquire()
        second.release()
        assert peer(path) is Peer.ALIVE


def test_a_file_that_nobody_wrote_into_is_not_tried(tmp_path):
    path = Side.CONNECTOR.lock_file(tmp_path)
    path.touch()
    assert peer(path) is Peer.AWAITED


def test_the_kernel_releases_the_lock_of_a_killed_process(tmp_path):
    path = Side.CONNECTOR.lock_file(tmp_path)
    with held_elsewhere(path) as (process, kill):
        assert peer(path) is Peer.ALIVE
        assert holder(path) == str(process.pid)
        kill()
        assert peer(path) is Peer.GONE


def test_each_side_is_there_once(tmp_path):
    in_use = f"side of spool {tmp_path} is in use by process {os.getpid()}; wait for it or end it"
    with SpoolWriter(tmp_path), lost(f"the connector's {in_use}"):
        SpoolWriter(tmp_path).__enter__()
    with SpoolReader(tmp_path), lost(f"the loader's {in_use}"):
        SpoolReader(tmp_path).__enter__()


def test_pages_arrive_whole_in_order_and_the_end_after_them(tmp_path):
    bodies = [bytes([65 + number]) * (number + 1) for number in range(20)]
    got = []
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())

        def produce():
            assert writer.wait_for_state(5).slices == {MAIN: SliceState()}
            for number, body in enumerate(bodies):
                put(writer, number, body)
            writer.end(DONE)

        with concurrently(produce) as failures:
            while segments := reader.next_segments(3, 1000, 10):
                assert len(segments) <= 3
                got += segments
                reader.done(one.meta.number for one in segments)
        assert not failures
        assert reader.end == DONE
    assert [one.body for one in got] == bodies
    assert [one.meta.number for one in got] == list(range(20))
    assert names(tmp_path) == ["end.json"]


def test_segments_are_counted_on_from_the_state(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone(SliceState(5, {"next": "x"}, ("a",))))
        put(writer, 5)
        assert [one.meta.number for one in reader.next_segments(9, 9, 1)] == [5]


def test_a_batch_ends_at_its_bytes(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        for number in range(4):
            put(writer, number, b"x" * 10)
        assert len(reader.next_segments(9, 15, 1)) == 2
        assert len(reader.next_segments(9, 1000, 1)) == 2


def test_nothing_in_time_is_not_the_end(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path):
        reader.write_state(alone())
        assert reader.next_segments(1, 1, 0.02) == []
        assert reader.end is None


def test_the_last_page_is_not_missed_when_the_end_is_there_first(tmp_path, monkeypatch):
    """The page becomes visible between the look for it and the look for the end."""
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        exists = Path.exists

        def late(path):
            if path.name == meta_name(0) and not exists(path):
                put(writer, 0)
                writer.end(DONE)
                return False
            return exists(path)

        monkeypatch.setattr(Path, "exists", late)
        assert [one.meta.number for one in reader.next_segments(9, 9, 1)] == [0]


def test_a_page_without_metadata_is_not_there(tmp_path):
    """INV-4: a crash between body and metadata leaves nothing half-visible."""
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path):
        reader.write_state(alone())
        (tmp_path / "00000000.page").write_bytes(b"half")
        (tmp_path / ".00000000.json.tmp").write_bytes(b"{")
        assert reader.next_segments(1, 1, 0.02) == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: (path / "00000000.page").write_bytes(b"[]"), "differs from its digest"),
        (lambda path: (path / "00000000.page").write_bytes(b"{}x"), "differs from its digest"),
        (lambda path: (path / "00000000.page").unlink(), "00000000.json has no body"),
        (lambda path: (path / "00000000.json").write_text("{"), "00000000.json is not whole"),
    ],
)
def test_segments_are_untrusted_input(tmp_path, spoil, says):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        put(writer, 0)
        spoil(tmp_path)
        with lost(says):
            reader.next_segments(1, 1, 1)


def test_a_killed_connector_is_peer_lost(tmp_path):
    with (
        SpoolReader(tmp_path) as reader,
        held_elsewhere(Side.CONNECTOR.lock_file(tmp_path)) as (_, kill),
    ):
        reader.write_state(alone())
        assert reader.next_segments(1, 1, 0.02) == []
        kill()
        with lost("the connector ended without saying how"):
            reader.next_segments(1, 1, 10)


def test_a_connector_that_ends_while_it_is_looked_at_is_not_lost(tmp_path, monkeypatch):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())

        def ends(_path):
            writer.end(DONE)
            return Peer.GONE

        monkeypatch.setattr("chartly_spool.spool_side.peer", ends)
        assert reader.next_segments(1, 1, 10) == []
        assert reader.end == DONE


def test_what_a_killed_connector_left_whole_is_still_read(tmp_path):
    with SpoolReader(tmp_path) as reader:
        reader.write_state(alone())
        with held_elsewhere(Side.CONNECTOR.lock_file(tmp_path)) as (_, kill):
            (tmp_path / "00000000.page").write_bytes(b"{}")
            (tmp_path / "00000000.json").write_bytes(dump_meta(meta(0, b"{}")))
            kill()
        assert len(reader.next_segments(1, 1, 1)) == 1
        with lost("the connector ended without saying how"):
            reader.next_segments(1, 1, 10)


def test_a_connector_that_never_comes_is_peer_lost(tmp_path):
    with SpoolReader(tmp_path, grace=0.01) as reader, lost("no connector came"):
        reader.next_segments(1, 1, 10)


def test_a_killed_loader_is_peer_lost_to_one_that_waits_for_the_state(tmp_path):
    with (
        SpoolWriter(tmp_path) as writer,
        held_elsewhere(Side.LOADER.lock_file(tmp_path)) as (_, kill),
    ):
        kill()
        with lost("the loader ended while pages were on their way"):
            writer.wait_for_state(10)


def test_a_loader_that_never_comes_is_peer_lost(tmp_path):
    with SpoolWriter(tmp_path) as writer, lost("the loader did not say where to start"):
        writer.wait_for_state(0.01)


def test_a_killed_loader_is_peer_lost_to_one_that_writes(tmp_path):
    with (
        SpoolWriter(tmp_path) as writer,
        held_elsewhere(Side.LOADER.lock_file(tmp_path)) as (_, kill),
    ):
        put(writer, 0)
        kill()
        with lost("the loader ended while pages were on their way"):
            put(writer, 1)
    assert names(tmp_path) == ["00000000.json", "00000000.page"]


def test_a_spool_that_was_taken_away_is_peer_lost(tmp_path):
    """The next attempt removes the folders of those before it, whoever still writes there."""
    spool = tmp_path / "spool-1"
    spool.mkdir()
    with SpoolWriter(spool) as writer:
        put(writer, 0)
        shutil.rmtree(spool)
        with lost(f"spool {spool}: is gone, as its loader is"):
            put(writer, 1)
        with lost("is gone"):
            writer.end(DONE)


def test_a_full_spool_pauses_the_connector_until_the_loader_has_read(tmp_path, monkeypatch):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path, limit=100) as writer:
        reader.write_state(alone())
        put(writer, 0, b"x" * 40)
        put(writer, 1, b"x" * 40)
        pausing, looks = threading.Event(), []
        check = writer._check_peer

        def look():
            """A page that need not wait looks once."""
            looks.append(1)
            if len(looks) > 1:
                pausing.set()
            check()

        monkeypatch.setattr(writer, "_check_peer", look)
        waits = []
        with concurrently(lambda: waits.append(put(writer, 2, b"x" * 40))) as failures:
            assert pausing.wait(30)
            assert names(tmp_path) == [
                f"0000000{number}.{kind}" for number in (0, 1) for kind in ("json", "page")
            ]
            reader.done([reader.next_segments(1, 9, 1)[0].meta.number])
        assert not failures
        assert waits[0] > 0
        assert [one.meta.number for one in reader.next_segments(9, 999, 1)] == [1, 2]


def test_a_full_spool_does_not_hide_that_the_loader_is_gone(tmp_path):
    with (
        SpoolWriter(tmp_path, limit=100) as writer,
        held_elsewhere(Side.LOADER.lock_file(tmp_path)) as (_, kill),
    ):
        put(writer, 0, b"x" * 80)
        with concurrently(lambda: put(writer, 1, b"x" * 80)) as failures:
            kill()
    assert [one.reason for one in failures] == [Reason.PEER_LOST]


def test_a_page_larger_than_the_spool_passes_when_the_spool_is_empty(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path, limit=10) as writer:
        reader.write_state(alone())
        put(writer, 0, b"x" * 50)
        assert len(reader.next_segments(1, 1, 1)) == 1


@pytest.mark.parametrize("file", ["00000001.page", "00000001.json"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_visible(tmp_path, file):
    """The kernel itself says ENOSPC: the temporary file leads to /dev/full."""
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        put(writer, 0)
        (tmp_path / f".{file}.tmp").symlink_to("/dev/full")
        with pytest.raises(RunError) as caught:
            put(writer, 1)
        assert caught.value.reason is Reason.LIMIT_REACHED
        assert caught.value.message == f"spool {tmp_path}: no space left on the device"
        assert names(tmp_path) == ["00000000.json", "00000000.page"]
        writer.end(End(1, caught.value.reason, caught.value.message, Counters()))
        assert len(reader.next_segments(9, 9, 1)) == 1
        assert reader.end is not None
        assert reader.end.reason is Reason.LIMIT_REACHED


def test_a_full_disk_under_the_state_is_the_same_sentence(tmp_path):
    with SpoolReader(tmp_path) as reader:
        (tmp_path / ".state.json.tmp").symlink_to("/dev/full")
        with pytest.raises(RunError) as caught:
            reader.write_state(alone())
    assert caught.value.reason is Reason.LIMIT_REACHED
    assert caught.value.message == f"spool {tmp_path}: no space left on the device"
    assert not (tmp_path / "state.json").exists()


def test_a_state_for_a_spool_that_was_removed_is_one_sentence(tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    with SpoolReader(spool) as reader:
        shutil.rmtree(spool)
        with lost(f"spool {spool}: is gone, as its connector is"):
            reader.write_state(alone())


def test_another_fault_of_the_disk_is_not_called_a_full_one(tmp_path):
    with SpoolReader(tmp_path), SpoolWriter(tmp_path) as writer:
        (tmp_path / ".00000000.page.tmp").mkdir()
        with pytest.raises(IsADirectoryError) as caught:
            put(writer, 0)
        assert caught.value.errno == errno.EISDIR


def test_removing_twice_is_no_failure(tmp_path):
    with SpoolReader(tmp_path) as reader, SpoolWriter(tmp_path) as writer:
        reader.write_state(alone())
        put(writer, 0)
        reader.next_segments(1, 1, 1)
        reader.done([0])
        reader.done([0])
    assert names(tmp_path) == []
