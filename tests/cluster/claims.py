"""Which numbers of rigs are free, and what a rig that is gone left behind."""

import fcntl
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cluster.layout import RIGS, Layout
from cluster.network import disconnect, taken
from cluster.waiting import wait_for

OURS = 0
"""The rig of the command line; tests take others."""
FOR_NODES = range(1, 10)
FOR_APIS = range(10, RIGS - 1)
FOR_COMMANDS = RIGS - 1
"""The rig that the command line is tested with."""
_FORBIDDEN = ("/run", "/var")


@dataclass(frozen=True)
class Claim:
    """A rig's number that no other process has."""

    layout: Layout
    lock: TextIO


def claim(indexes: Iterable[int]) -> Claim:
    """The first number that is free, swept clean.

    Raises:
        RuntimeError: none is free, or rigs cannot lie where the cache is.
        ValueError: there is no such number.
    """
    tried = list(indexes)
    for index in tried:
        if index not in range(RIGS):
            raise ValueError(f"rig {index}: numbers are 0 to {RIGS - 1}")
        layout = Layout(index)
        if any(layout.state.is_relative_to(one) for one in _FORBIDDEN):
            raise RuntimeError(
                f"XDG_CACHE_HOME: {layout.state}: a rig has a /run and /var of its own"
            )
        layout.lock.parent.mkdir(parents=True, exist_ok=True)
        if lock := _locked(layout.lock):
            sweep(layout)
            if not taken(layout):
                return Claim(layout, lock)
            lock.close()
    raise RuntimeError(f"rigs {tried}: each runs already, or its addresses are used otherwise")


def sweep(layout: Layout) -> None:
    """Removes what is left of a rig whose processes were killed; its images stay."""
    disconnect(layout)
    wait_for(f"the end of cgroup {layout.cgroup}", lambda: _removed_cgroups(layout))
    wait_for(f"the end of {layout.state}", lambda: _removed(layout.state))


def _locked(path: Path) -> TextIO | None:
    lock = path.open("a", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _removed_cgroups(layout: Layout) -> bool:
    """Whether they are gone; the kernel keeps one for a moment after its last process."""
    tops = [*Path("/sys/fs/cgroup").glob(layout.cgroup)]
    tops += Path("/sys/fs/cgroup").glob(f"*/{layout.cgroup}")
    try:
        for top in tops:
            for folder, _, _ in os.walk(top, topdown=False):
                Path(folder).rmdir()
    except OSError:
        return False
    return True


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
