"""The spool of a process whose arguments are invalid: there it reports them."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def spool_of(arguments: Sequence[str]) -> Path | None:
    """The value of ``--spool``, whatever the other arguments are; None without one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--spool", type=Path)
    try:
        known, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:
        return None
    path: Path | None = known.spool
    return path
