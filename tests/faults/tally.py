"""What was done to the processes of all tests together, and what it cost."""

from collections import Counter
from dataclasses import dataclass, field

from faults.scale import FULL, SEED


@dataclass
class Tally:
    """Numbers that only grow.

    Attributes:
        kills: processes that got SIGKILL while they worked.
        stops: processes that got SIGSTOP, and SIGCONT later.
        faults: statements that the store failed at.
        checks: how often everything that is stored was compared.
        paged: how many servers were paged through, by what became of their records.
    """

    kills: int = 0
    stops: int = 0
    faults: int = 0
    checks: int = 0
    lost: int = 0
    doubled: int = 0
    paged: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """For whoever reads the end of a run."""
        again = f"CHARTLY_FAULTS_SEED={SEED} {'CHARTLY_FAULTS=full ' if FULL else ''}"
        outcomes = [f"  {count} {outcome}" for outcome, count in self.paged.most_common()]
        return [
            f"servers that page: {self.paged.total()}",
            *outcomes,
            f"stops: {self.stops}, faults of the store: {self.faults}, checks: {self.checks}",
            f"seed: {SEED}; one case again: {again}pytest tests/faults -k '<its name>'",
            f"kills: {self.kills}, lost: {self.lost}, doubled: {self.doubled}",
        ]


TALLY = Tally()
"""Of the tests that must not lose anything; wrong loaders are counted elsewhere."""
