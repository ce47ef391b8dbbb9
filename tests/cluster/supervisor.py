"""Process 1 of a rig's namespaces: starts every part, and again what dies."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from cluster.client import Client
from cluster.commands import call, environment
from cluster.components import FIRST, component_commands
from cluster.layout import CACHE, Layout
from cluster.options import Options
from cluster.processes import hold_file, processes_file
from cluster.waiting import wait_for

PAUSE = 1.0
"""Seconds from the end of a part to its next start."""


class Supervisor:
    """The parts of a rig that run, and those whose time to start comes."""

    def __init__(self, layout: Layout, commands: dict[str, list[str]]) -> None:
        self._layout = layout
        self._commands = commands
        self._running: dict[int, str] = {}
        self._due: dict[str, float] = {}

    def start(self, name: str) -> None:
        with (self._layout.logs / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                self._commands[name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._layout.state,
                env=environment(HOME=str(self._layout.state), XDG_CACHE_HOME=str(CACHE.parent)),
            )
        process.returncode = 0  # process 1 reaps all there is, and subprocess must not wait too
        self._running[process.pid] = name
        self._tell()

    def tend(self) -> None:
        """Reaps what died and starts what is due, unless a test holds it down."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                self._note(*ended)
        for name, moment in list(self._due.items()):
            if time.monotonic() >= moment and not hold_file(self._layout, name).exists():
                del self._due[name]
                self.start(name)

    def _note(self, process: int, status: int) -> None:
        if name := self._running.pop(process, None):
            print(f"{name} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
            self._due[name] = time.monotonic() + PAUSE
            self._tell()

    def _tell(self) -> None:
        """Writes the process ids of this namespace by name, whole at any time."""
        whole = processes_file(self._layout)
        fresh = whole.with_suffix(".new")
        text = json.dumps({name: one for one, name in self._running.items()})
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(whole)


def main(index: int) -> None:
    """Says that it is there, waits for its network, then runs the rig until it is killed."""
    layout = Layout(index)
    options = Options.from_json((layout.state / "options.json").read_text(encoding="utf-8"))
    sys.stdout.write("here\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        return
    if line == "owned\n":
        threading.Thread(target=_end_with_owner, daemon=True).start()
    log = os.open(layout.logs / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _mount(layout)
    run(layout, component_commands(layout, options))


def _end_with_owner() -> None:
    """Ends process 1, and so all the rig, when the process that holds the pipe's end is gone."""
    sys.stdin.read()
    os._exit(0)


def _mount(layout: Layout) -> None:
    """A /run and a /var of the rig's own: shims, CNI and kubelet have paths there built in."""
    call("mount", "-t", "tmpfs", "tmpfs", "/run")
    (layout.state / "var" / "log").mkdir(parents=True, exist_ok=True)
    call("mount", "--bind", layout.state / "var", "/var")
    Path("/var/run").symlink_to("/run")


def run(layout: Layout, commands: dict[str, list[str]]) -> None:
    """Starts the parts in order and tends them for ever."""
    parts = Supervisor(layout, commands)
    for name in commands:
        if name in FIRST:
            parts.start(name)
    client = Client(layout)

    def ready() -> bool:
        parts.tend()
        return client.ready()

    wait_for("the API server", ready)
    for name in commands:
        if name not in FIRST:
            parts.start(name)
    while True:
        time.sleep(0.1)
        parts.tend()


if __name__ == "__main__":
    main(int(sys.argv[1]))
