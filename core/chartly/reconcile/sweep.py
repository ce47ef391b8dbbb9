"""Frozen inputs that no run refers to any more."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chartly.names import CONFIG_LABEL
from chartly.reconcile.actions import Object, Remove
from chartly.reconcile.objects import key_of, labels_of, moment, name_of, status_of, uid_of

_YOUNGEST = timedelta(hours=1)
"""A run that is being launched may refer to inputs before its status says so."""


def unused(configs: Iterable[Object], runs: Iterable[Object], now: datetime) -> list[Remove]:
    """Removes the snapshots of one namespace that none of its runs was frozen with."""
    used = {status_of(run).get("config", {}).get("name") for run in runs}
    return [
        Remove(key_of(one), uid_of(one))
        for one in configs
        if labels_of(one).get(CONFIG_LABEL) == "snapshot"
        and name_of(one) not in used
        and now - moment(one["metadata"]["creationTimestamp"]) > _YOUNGEST
    ]
