"""``python -m bench``: prints every table and, last, the ratio to the engine alone.

Usage: python -m bench [--events 1000000] [--only load ...] [--backlog N] [--page FILE]
"""

import argparse
from pathlib import Path

from bench.child import TESTS
from bench.pairs import scratch
from bench.report import page, versions
from bench.sections import SECTIONS, Bench

_PEER = TESTS.parent / ".venv" / "bench" / "bin" / "python"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the middle size")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--backlog", type=int, default=0, help="events of one more, long load")
    parser.add_argument("--peer", type=Path, default=_PEER, help="the interpreter that has dlt")
    parser.add_argument("--page", type=Path, help="where all of it is written to")
    asked = parser.parse_args()
    if "peer" in asked.only and not asked.peer.exists():
        parser.error(f"--peer {asked.peer}: is not there; make bench puts it there")
    found = []
    with scratch() as folder:
        bench = Bench(asked.events, asked.backlog, folder, str(asked.peer))
        for name in asked.only:
            found.append(SECTIONS[name](bench))
            print(found[-1], flush=True)
    last = f"ratio to the engine alone: {bench.ratio:.2f}"
    if asked.page is not None:
        command = f"python -m bench --events {asked.events} --backlog {asked.backlog}"
        seen = versions(bench.engine, bench.dlt)
        asked.page.write_text(page(found, seen, command, last), encoding="utf-8")
    if "load" in asked.only:
        print(last)


if __name__ == "__main__":
    main()
