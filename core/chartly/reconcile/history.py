"""Which finished runs of a workflow are kept: the newest of each outcome, and none for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chartly.api.run_policy import History
from chartly.reconcile.actions import Decision, Object, Remove
from chartly.reconcile.objects import (
    condition_of,
    is_going,
    key_of,
    moment,
    name_of,
    status_of,
    uid_of,
)


def expired_runs(runs: Sequence[Object], history: History | None, now: datetime) -> Decision:
    """Removes what ``history`` no longer keeps, and says when the next one is due.

    A run counts from its end; one that has not ended is never removed.
    """
    policy = history or History()
    ended = sorted(
        ((when, one) for one in runs if (when := _ended(one)) is not None and not is_going(one)),
        key=lambda pair: (pair[0], name_of(pair[1])),
        reverse=True,
    )
    kept = {True: policy.keep_succeeded, False: policy.keep_failed}
    gone: list[Remove] = []
    due: list[float] = []
    for when, one in ended:
        succeeded = status_of(one).get("outcome") == "Succeeded"
        left = None if policy.ttl is None else when + timedelta(seconds=policy.ttl) - now
        if kept[succeeded] <= 0 or (left is not None and left <= timedelta()):
            gone.append(Remove(key_of(one), uid_of(one)))
            continue
        kept[succeeded] -= 1
        if left is not None:
            due.append(left.total_seconds())
    return Decision(tuple(gone), min(due, default=None))


def _ended(run: Object) -> datetime | None:
    finished = condition_of(run, "Finished")
    if finished is None or finished["status"] != "True":
        return None
    return moment(finished["lastTransitionTime"])
