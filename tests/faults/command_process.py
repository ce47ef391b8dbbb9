"""``chartly`` as a process of its own that gets a signal while it works on its store."""

import sys

from chartly_cli.__main__ import main
from chartly_store import embedded
from faults.mortal import MortalEngine, moment

WORDS = 5

if __name__ == "__main__":
    program, *words = sys.argv
    real = embedded.open_embedded
    when = moment(words[:WORDS])
    embedded.open_embedded = lambda path: MortalEngine(real(path), when)  # type: ignore[assignment, return-value]
    sys.argv = ["chartly", *words[WORDS:]]
    main()
