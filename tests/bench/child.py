"""``python -m bench.child MODULE:FUNCTION JSON``: one measured thing in a process of its own.

What is measured beside something else, or after it, would be measured with its memory and threads.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


def measured(function: str, /, *, python: str = sys.executable, **given: object) -> dict[str, Any]:
    """What a function of this package says of itself, and its process's peak memory as ``rss``.

    Args:
        function: ``module:name``; it returns a dict of what JSON can say.
        python: the interpreter; a peer has one of its own.
        given: its arguments; paths are passed as text.
    """
    done = subprocess.run(
        command(function, python=python, **given),
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def command(function: str, /, *, python: str = sys.executable, **given: object) -> list[str]:
    """How to start a function of this package as a process."""
    return [python, "-m", "bench.child", f"bench.{function}", json.dumps(given, default=str)]


def environment() -> dict[str, str]:
    """The environment in which this package is found."""
    before = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{before}".rstrip(os.pathsep)}


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    # Not ru_maxrss: that of a process begins with what the one that started it had.
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    said = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    print(json.dumps({"rss": peak(), **(said or {})}))


if __name__ == "__main__":
    main()
