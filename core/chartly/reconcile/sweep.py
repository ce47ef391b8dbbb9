"""Removal of frozen inputs that no run refers to any more."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chartly.names import CONFIG_LABEL
from chartly.reconcile.actions import Object, Remove
from chartly.reconcile.objects import key_of, labels_of, name_of, parse_timestamp, status_of, uid_of

_YOUNGEST = timedelta(hours=1)
"""A run that is being launched uses inputs before its status names them."""


def unused_snapshots(
    configs: Iterable[Object], runs: Iterable[Object], now: datetime
) -> list[Remove]:
    """Removes the snapshots of one namespace that none of its runs was frozen with."""
    used = {status_of(run).get("config", {}).get("name") for run in runs}
    return [
        Remove(key_of(config), uid_of(config))
        for config in configs
        if labels_of(config).get(CONFIG_LABEL) == "snapshot"
        and name_of(config) not in used
        and now - parse_timestamp(config["metadata"]["creationTimestamp"]) > _YOUNGEST
    ]
