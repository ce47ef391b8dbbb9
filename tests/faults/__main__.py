"""``python -m faults``: every fault, many times; the last line counts what it cost."""

import argparse
import os
import sys
from pathlib import Path

import pytest


def main() -> int:
    """Runs the whole folder; returns pytest's exit code."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="another chance than the usual one")
    given, more = parser.parse_known_args()
    os.environ["CHARTLY_FAULTS"] = "full"
    if given.seed is not None:
        os.environ["CHARTLY_FAULTS_SEED"] = str(given.seed)
    # Both read the environment when they are imported.
    from faults.tally import TALLY

    code = pytest.main([str(Path(__file__).parent), "-p", "no:randomly", *more])
    sys.stdout.write("\n".join(TALLY.lines()) + "\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
