"""Which finished runs of a workflow are kept: the newest of each outcome, and none for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chartly.api.run_policy import History
from chartly.reconcile.actions import Decision, Object, Remove
from chartly.reconcile.objects import (
    condition_of,
    is_being_deleted,
    key_of,
    name_of,
    parse_timestamp,
    status_of,
    uid_of,
)


def expired_runs(runs: Sequence[Object], history: History | None, now: datetime) -> Decision:
    """Removes the runs that ``history`` does not keep; returns when the next one expires.

    A run counts from its end; one that has not ended is never removed.
    """
    policy = history or History()
    kept = {True: policy.keep_succeeded, False: policy.keep_failed}
    removals: list[Remove] = []
    expiries: list[float] = []
    for end, run in _newest_first(runs):
        succeeded = status_of(run).get("outcome") == "Succeeded"
        left = None if policy.ttl is None else end + timedelta(seconds=policy.ttl) - now
        if kept[succeeded] <= 0 or (left is not None and left <= timedelta()):
            removals.append(Remove(key_of(run), uid_of(run)))
            continue
        kept[succeeded] -= 1
        if left is not None:
            expiries.append(left.total_seconds())
    return Decision(tuple(removals), min(expiries, default=None))


def _newest_first(runs: Sequence[Object]) -> list[tuple[datetime, Object]]:
    """The runs that have ended and are not being deleted, each with its end."""
    ends = ((_end_of(run), run) for run in runs if not is_being_deleted(run))
    ended = [(end, run) for end, run in ends if end is not None]
    return sorted(ended, key=lambda pair: (pair[0], name_of(pair[1])), reverse=True)


def _end_of(run: Object) -> datetime | None:
    finished = condition_of(run, "Finished")
    if finished is None or finished["status"] != "True":
        return None
    return parse_timestamp(finished["lastTransitionTime"])
