"""The processes of a rig as this host sees them, and how tests end them."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.layout import Layout
from cluster.waiting import children, wait_for, wait_for_end


def processes_file(layout: Layout) -> Path:
    """Where the supervisor keeps the process ids of the parts, in the rig's own numbers."""
    return layout.state / "processes.json"


def hold_file(layout: Layout, name: str) -> Path:
    """What keeps the supervisor from starting a part again while it is there."""
    return layout.state / "held" / name


def outer_process(layout: Layout) -> int | None:
    """The process that made the rig's namespaces, or None when the rig is down."""
    try:
        number = int((layout.state / "process").read_text(encoding="ascii"))
        line = Path(f"/proc/{number}/cmdline").read_text(encoding="utf-8").split("\0")
    except (OSError, ValueError):
        return None
    return number if line[-3:] == ["cluster.supervisor", str(layout.index), ""] else None


def first_process(layout: Layout) -> int | None:
    """Process 1 of the rig's namespaces, or None when the rig is down."""
    outer = outer_process(layout)
    inner = children(outer) if outer else []
    return inner[0] if inner else None


def end(layout: Layout) -> None:
    """Kills process 1, with which the kernel kills every other; nothing when the rig is down."""
    outer, first = outer_process(layout), first_process(layout)
    if first is not None:
        os.kill(first, signal.SIGKILL)
        wait_for_end(first)
    if outer is not None:
        wait_for_end(outer)


def component_process(layout: Layout, name: str) -> int | None:
    """The process of a part such as ``kube-apiserver``, or None while it is not running."""
    inner = json.loads(processes_file(layout).read_text(encoding="utf-8")).get(name)
    first = first_process(layout)
    if inner is None or first is None:
        return None
    return next((one for one in children(first) if inner == _innermost(one)), None)


def kill_component(layout: Layout, name: str) -> None:
    """Ends a part with SIGKILL; the supervisor starts it again after a second.

    Raises:
        LookupError: it is not running.
    """
    process = component_process(layout, name)
    if process is None:
        raise LookupError(f"rig {layout.index}: {name} is not running")
    os.kill(process, signal.SIGKILL)
    wait_for(f"the end of {name}", lambda: component_process(layout, name) != process)


@contextmanager
def held_down(layout: Layout, name: str) -> Iterator[None]:
    """Keeps a part dead; it starts again afterwards."""
    hold_file(layout, name).touch()
    try:
        kill_component(layout, name)
        yield
    finally:
        hold_file(layout, name).unlink()
        wait_for(f"{name} again", lambda: component_process(layout, name) is not None)


def container_process(container: str) -> int | None:
    """Process 1 of a container, or None when it has none (any more).

    Args:
        container: its id as ``status.containerStatuses`` has it.
    """
    wanted = container.rpartition("/")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            inside = wanted in (folder / "cgroup").read_text(encoding="utf-8")
        except OSError:
            continue
        if inside and _innermost(int(folder.name)) == 1:
            return int(folder.name)
    return None


def _innermost(process: int) -> int | None:
    """The process's number in its own namespace."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(one.split()[-1]) for one in lines if one.startswith("NSpid:")), None)
