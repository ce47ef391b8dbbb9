"""The fence between attempts: only the last one of a run writes, in the newest epoch.

A Pod that was considered dead may resume. A turn passes from a run to the next one with a higher
epoch, which the next run records at each of its datasets before it writes; an attempt that reads a
higher epoch than its own is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chartly.errors import Reason, RunError
from chartly.load.project_tables import ATTEMPTS, EPOCHS
from chartly.load.sql import instant_parameter, qualified
from chartly_store.attempts import STARTED, Attempt
from chartly_store.project_store import ProjectStore

_LONGEST = timedelta(days=366)
"""Attempts that began so long before are over: no run may take longer."""


@dataclass(frozen=True)
class Turn:
    """The turn of a run among the runs of its workflow.

    Attributes:
        epoch: of the turn; None where no turn is taken, and the recorded epoch is shared.
        is_alone: whether no other process can write the store, so that earlier attempts are over.
    """

    epoch: int | None = None
    is_alone: bool = False


class Epochs:
    """The epochs of a project's datasets."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store
        self._table = qualified(store.database, EPOCHS)

    def enter(self, datasets: Sequence[str], turn: Turn, run_id: str, now: datetime) -> int:
        """Records the epoch of a run at the datasets that it writes, and returns it.

        Raises:
            RunError: ``Terminated``: a later one is recorded.
        """
        recorded = self._recorded(datasets)
        epoch = recorded + turn.is_alone if turn.epoch is None else turn.epoch
        if epoch < recorded:
            raise _over(run_id, epoch, recorded)
        if epoch > recorded:
            rows: list[dict[str, object]] = [
                {"dataset": name, "epoch": epoch, "run_id": run_id, "recorded_at": now}
                for name in datasets
            ]
            self._store.insert_dicts(EPOCHS, rows)
        return epoch

    def _recorded(self, datasets: Sequence[str]) -> int:
        rows = self._store.engine.rows(
            f"SELECT max(epoch) FROM {self._table} WHERE dataset IN {{datasets:Array(String)}}",
            {"datasets": list(datasets)},
        )
        return int(str(rows[0][0]))


class Fence:
    """Prevents an attempt from writing after a later one has begun."""

    def __init__(self, store: ProjectStore, attempt: Attempt, datasets: Sequence[str]) -> None:
        self._engine = store.engine
        self._attempt = attempt
        self._datasets = list(datasets)
        self._attempts = qualified(store.database, ATTEMPTS)
        self._epochs = qualified(store.database, EPOCHS)

    def check_turn(self) -> None:
        """Raises where the attempt may not write any more.

        Called before each entry in the ledger, and before each step that only one attempt may do.

        Raises:
            RunError: ``Terminated``: a later attempt of the run, or a run of a later epoch, has
                begun.
        """
        attempt = self._attempt
        ((last, epoch),) = self._engine.rows(
            f"SELECT (SELECT max(attempt) FROM {self._attempts} WHERE run_id = {{run:String}}), "
            f"(SELECT max(epoch) FROM {self._epochs} WHERE dataset IN {{datasets:Array(String)}})",
            {"run": attempt.run_id, "datasets": self._datasets},
        )
        if int(str(last)) > attempt.attempt:
            raise RunError(
                Reason.TERMINATED,
                f"attempt {attempt.attempt} of run {attempt.run_id!r} is over: attempt {last} "
                f"has begun",
            )
        if int(str(epoch)) > attempt.epoch:
            raise _over(attempt.run_id, attempt.epoch, int(str(epoch)))

    def rivals(self) -> list[int]:
        """The ordinals of other attempts of the workflow that may still write."""
        attempt = self._attempt
        begun = attempt.updated_at or attempt.ingested_at
        rows = self._engine.rows(
            f"SELECT ordinal FROM {self._attempts} FINAL "
            f"WHERE workflow = {{workflow:String}} AND state = {{state:String}} "
            f"AND epoch >= {{epoch:UInt64}} AND updated_at > {{since:DateTime64(3, 'UTC')}} "
            f"AND ordinal != {{mine:UInt32}} AND (run_id, attempt) IN "
            f"(SELECT run_id, max(attempt) FROM {self._attempts} GROUP BY run_id) ORDER BY ordinal",
            {
                "workflow": attempt.workflow,
                "state": STARTED,
                "epoch": attempt.epoch,
                "since": instant_parameter(begun - _LONGEST),
                "mine": attempt.ordinal,
            },
        )
        return [int(str(ordinal)) for (ordinal,) in rows]


def _over(run_id: str, epoch: int, recorded: int) -> RunError:
    return RunError(
        Reason.TERMINATED,
        f"run {run_id!r} is over: its turn has epoch {epoch}, and a run of epoch {recorded} has "
        f"begun to write its datasets",
    )
