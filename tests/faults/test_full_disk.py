"""A disk without room, under the store and under the spool; with room again, nothing is missing."""

import os
import signal
import subprocess
from contextlib import closing, contextmanager

import pytest

from chartly_store.embedded import open_embedded
from faults.harness import connecting, outcome, spawn, stopped
from faults.mortal import Moment
from faults.oracle import Oracle, bodies_of, some_pages
from faults.plans import plan_of
from faults.pods import Pod
from faults.points import FULL_DISK
from faults.scale import FULL, chance
from faults.served import Store
from faults.tally import TALLY
from support.missing import missing
from support.sales_api import in_order, serving

PAGES = 12
STORE_BYTES = 48 * 1024 * 1024
SPOOL_BYTES = 64 * 1024


@contextmanager
def disk(path, size):
    """A file system of its own; only root may mount one."""
    path.mkdir(exist_ok=True)
    if os.geteuid():
        missing("a small file system takes root to be mounted")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path]
    subprocess.run(mount, check=True, timeout=10)
    try:
        yield path
    finally:
        unmount = ["umount", "--lazy", path]
        subprocess.run(unmount, check=True, timeout=10)


def fill(path):
    """Takes all room; gives back what has to go for it to be there again."""
    free = os.statvfs(path)
    ballast = path / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize)
    return ballast


class Loads:
    """Runs over an embedded store on a small disk."""

    def __init__(self, folder):
        self.folder = folder
        self.oracle = Oracle(plan_of("playbook"), TALLY, folder / "checkpoint")

    def attempt(self, run, number, pages, moment=None):
        """What an attempt says, whose disk is filled when it is stopped."""
        spool = self.folder / f"{run}-{number}"
        spool.mkdir()
        more = ["--moment", *moment.words] if moment else []
        process = spawn(self.folder / "disk" / "store", spool, run, number, *more)
        with connecting(spool, bodies_of(pages)):
            if moment is not None:
                assert stopped(process), process.communicate()
                TALLY.stops += 1
                fill(self.folder / "disk")
                process.send_signal(signal.SIGCONT)
            return outcome(process, TALLY)

    def finish(self, run, number, pages):
        said = self.attempt(run, number, pages)
        assert said["reason"] == "Succeeded", said
        self.oracle.expect(pages)
        with closing(open_embedded(self.folder / "disk" / "store")) as engine:
            self.oracle.check(engine, run, pages, said["counts"])


@pytest.mark.slow
@pytest.mark.parametrize("point", FULL_DISK if FULL else FULL_DISK[::2], ids=lambda one: one.name)
def test_a_full_disk_under_the_store_ends_the_attempt(tmp_path, point):
    """INV-4: with room again, the next attempt goes on."""
    first, second = (some_pages(chance("full store", number), PAGES) for number in range(2))
    loads = Loads(tmp_path)
    with disk(tmp_path / "disk", STORE_BYTES) as place:
        loads.finish("run-1", 1, first)
        said = loads.attempt("run-2", 1, second, Moment("stop", *point.moment))
        TALLY.faults += 1
        assert said["reason"] == "StoreUnavailable", said
        (place / "ballast").unlink()
        loads.finish("run-2", 2, second)


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "clickhouse")
    yield found
    found.close()


@pytest.mark.slow
def test_a_full_disk_under_the_spool_ends_the_attempt(tmp_path, store):
    """INV-4: what was spooled whole is loaded; the next attempt, elsewhere, goes on."""
    oracle = Oracle(plan_of("playbook"), TALLY)
    pages = some_pages(chance("full spool"), PAGES)
    bodies = bodies_of(pages)
    bodies[PAGES // 2] += b" " * 2 * SPOOL_BYTES
    with serving(tmp_path, in_order(bodies)) as api:
        pod = Pod(tmp_path / "pod", store.server, api, "run-1")
        with disk(pod.place.spool, SPOOL_BYTES), pod.attempt():
            pass
        assert pod.told["reason"] == "LimitReached", pod.told
        assert pod.told["message"].endswith("no space left on the device")
        assert pod.told["counts"]["pages"] == PAGES // 2
        TALLY.faults += 1
        pod.again()
        with pod.attempt():
            pass
    assert pod.told["reason"] == "Succeeded", pod.told
    oracle.expect(pages)
    with store.engine(lambda _: None) as engine:
        oracle.check(engine, "run-1", pages, pod.told["counts"], bodies)
