"""What was measured, as tables on a page, with the machine and the versions it was measured on."""

import os
import platform
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_OURS = ("chdb", "clickhouse-connect", "pyarrow", "msgspec")
_WIDTH = 100
_INTRODUCTION = """\
# Benchmarks

Written by `make bench`, in one run on one machine. What counts are the ratios: both sides of each
are measured in the same run, by turns, each in a process of its own. Events are generated from a
fixed seed. Rates are events a second by the clock; memory is the most that the process ever held.
"""


@dataclass(frozen=True)
class Section:
    """One table.

    Attributes:
        about: what was done, in sentences.
    """

    title: str
    about: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        rule = ["---", *("---:" for _ in self.head[1:])]
        lines = (f"| {' | '.join(cells)} |" for cells in (self.head, rule, *self.rows))
        about = textwrap.fill(self.about, _WIDTH, break_on_hyphens=False)
        return "\n".join((f"## {self.title}\n", f"{about}\n", *lines, ""))


def page(sections: Iterable[Section], versions: dict[str, str], command: str, last: str) -> str:
    """The page: where it was measured, every table, and the one number that sums it up."""
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": f"`{command}`",
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory()}",
        "versions": ", ".join(f"{name} {one}" for name, one in versions.items()),
    }
    rows = "\n".join(f"| {name} | {text} |" for name, text in about.items())
    tables = "\n".join(map(str, sections))
    return f"{_INTRODUCTION}\n| | |\n|---|---|\n{rows}\n\n{tables}\n**{last}**\n"


def versions(engine: str, peer: str) -> dict[str, str]:
    """What ran, by name; the engine's version is not the package's."""
    ours = {name: metadata.version(name) for name in _OURS}
    return {"python": platform.python_version(), "engine": engine, **ours, "dlt": peer}


def rate(value: float) -> str:
    return f"{value:,.0f}"


def mebibytes(value: float) -> str:
    return f"{value / 2**20:,.0f} MiB"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory() -> str:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return f"{int(found[1]) / 2**20:.0f} GiB" if found else "memory unknown"


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
