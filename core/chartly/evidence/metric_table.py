"""The metrics of runs and of the operator: declared once, for code and docs."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A metric; no label names a run, so that their number stays bounded."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


_PROJECT = ("tenant", "project")
_CONNECTOR = (*_PROJECT, "connector")

_RUN_DURATION = Metric(
    "chartly_run_duration_seconds",
    "histogram",
    (*_PROJECT, "workflow", "reason"),
    "wall time of a run's attempt; in a cluster, from the request of the run until its end",
)
_BUILD = Metric("chartly_build_info", "gauge", ("version",), "1, with the version as a label")

METRICS: tuple[Metric, ...] = (
    Metric(
        "chartly_connector_requests_total",
        "counter",
        (*_CONNECTOR, "code"),
        "responses of the API, by HTTP status",
    ),
    Metric(
        "chartly_connector_bytes_ingested_total",
        "counter",
        _CONNECTOR,
        "bytes read from the API, as they came over the wire",
    ),
    Metric(
        "chartly_connector_retries_total", "counter", _CONNECTOR, "requests that were tried again"
    ),
    Metric(
        "chartly_connector_throttled_seconds_total",
        "counter",
        _CONNECTOR,
        "seconds waited for rate limits, back-off and a full spool",
    ),
    Metric(
        "chartly_records_total",
        "counter",
        (*_PROJECT, "dataset", "outcome"),
        "records of the run by outcome: loaded, rejected, duplicate, filtered, late",
    ),
    _RUN_DURATION,
    Metric(
        "chartly_step_duration_seconds",
        "histogram",
        (*_PROJECT, "step"),
        "wall time of load, settle and analytics",
    ),
    Metric(
        "chartly_dataset_freshness_seconds",
        "gauge",
        (*_PROJECT, "dataset"),
        "age of the newest event in the dataset at the end of a run that succeeded; "
        "absent where no event has a time, below 0 where that time is yet to come",
    ),
    _BUILD,
)
"""The metrics that a run writes."""

OPERATOR_METRICS: tuple[Metric, ...] = (
    Metric(
        "chartly_runs",
        "gauge",
        ("phase",),
        "existing runs: pending, running, succeeded, failed, cancelled",
    ),
    Metric(
        "chartly_run_start_latency_seconds",
        "histogram",
        (),
        "from the request of a run until its first Job was created",
    ),
    _RUN_DURATION,
    Metric("chartly_queue_depth", "gauge", (), "objects that are due and not reconciled yet"),
    Metric(
        "chartly_queue_age_seconds",
        "gauge",
        (),
        "seconds since the oldest of those became due",
    ),
    Metric(
        "chartly_reconcile_total",
        "counter",
        ("kind", "outcome"),
        "reconciliations of objects: unchanged, acted, gone, slowed, stopped, or failed by "
        "conflict, occupied, refused, unavailable, bug",
    ),
    Metric("chartly_reconcile_seconds", "histogram", (), "seconds that a reconciliation took"),
    Metric(
        "chartly_api_requests_total",
        "counter",
        ("verb", "code"),
        "requests to the API server without those of watches; code 0 is no response",
    ),
    Metric("chartly_leader", "gauge", (), "1 in the active replica, 0 in those on standby"),
    _BUILD,
)
"""The metrics that the operator serves."""
