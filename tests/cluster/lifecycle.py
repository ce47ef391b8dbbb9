"""Starting a rig and stopping it."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cluster.claims import Claim, claim, sweep
from cluster.commands import environment, words
from cluster.components import component_commands
from cluster.configuration import write_configuration
from cluster.keys import make_keys
from cluster.layout import HERE, Layout
from cluster.machine import prepare
from cluster.network import connect
from cluster.options import Options
from cluster.processes import end
from cluster.readiness import wait_until_ready
from cluster.rig import Rig

_NEW = ("--fork", "--kill-child", "--pid", "--mount-proc", "--mount", "--net", "--uts")


@dataclass(frozen=True)
class Started:
    """A rig that this process started."""

    rig: Rig
    claim: Claim
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """Kills every process of the rig and removes all but its images."""
        self.end()
        sweep(self.rig.layout)
        self.claim.lock.close()

    def end(self) -> None:
        """Kills every process of the rig; its logs stay until its number is taken again."""
        end(self.rig.layout)
        self.process.kill()
        self.process.communicate()

    def leave(self) -> None:
        """Lets go of a rig that was not started as owned; it goes on without this process."""
        for pipe in (self.process.stdin, self.process.stdout, self.claim.lock):
            if pipe is not None:
                pipe.close()
        self.process.returncode = 0  # nobody here waits for it


@contextmanager
def running(options: Options, indexes: Iterable[int]) -> Iterator[Rig]:
    """A rig that is ready, and that ends with this process however that ends."""
    started = start(options, indexes, owned=True)
    try:
        yield started.rig
    finally:
        started.stop()


def start(options: Options, indexes: Iterable[int], *, owned: bool) -> Started:
    """A rig that is ready.

    Args:
        owned: whether the rig ends with this process, or lives until ``stop``.

    Raises:
        RuntimeError: this machine cannot have one, or no number is free.
        TimeoutError: a part did not come up; the rig's logs say why.
        ValueError: a flag is for a part that the form does not have.
    """
    prepare(options.form)
    claimed = claim(indexes)
    with ExitStack() as undo:
        undo.callback(claimed.lock.close)
        write_state(claimed.layout, options)
        started = Started(Rig(claimed.layout), claimed, _unshare(claimed))
        undo.callback(started.end)
        _connect(started, "owned\n" if owned else "free\n")
        wait_until_ready(started.rig, options)
        undo.pop_all()
    return started


def write_state(layout: Layout, options: Options) -> None:
    """Writes all that the parts of a rig read."""
    component_commands(layout, options)
    for folder in (layout.logs, layout.names.parent, layout.state / "held"):
        folder.mkdir(parents=True)
    layout.names.touch()
    (layout.state / "options.json").write_text(options.to_json(), encoding="utf-8")
    make_keys(layout)
    write_configuration(layout, options.audit)


def stop(index: int) -> bool:
    """Ends a rig that another process started; whether there was one."""
    rig = Rig.found(index)
    if rig is not None:
        end(rig.layout)
    claim([index]).lock.close()
    return rig is not None


def _unshare(claimed: Claim) -> subprocess.Popen[str]:
    layout = claimed.layout
    with (layout.logs / "supervisor.log").open("a") as log:
        process = subprocess.Popen(
            words("unshare", *_NEW, sys.executable, "-m", "cluster.supervisor", layout.index),
            env=environment(PYTHONPATH=str(HERE.parent)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[claimed.lock.fileno()],
            start_new_session=True,
            text=True,
        )
    (layout.state / "process").write_text(str(process.pid), encoding="ascii")
    return process


def _connect(started: Started, line: str) -> None:
    """Joins the rig to this host once its namespaces are there, and lets it go on."""
    layout, process = started.rig.layout, started.process
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a rig was started without pipes")
    if process.stdout.readline() != "here\n":
        raise RuntimeError(f"rig {layout.index}: it did not start; see {layout.logs}")
    connect(layout, process.pid)
    process.stdin.write(line)
    process.stdin.flush()
