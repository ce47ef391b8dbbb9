"""Every metric that a run has: declared once, for code and docs (contracts section 10)."""

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
    Metric(
        "chartly_run_duration_seconds",
        "histogram",
        (*_PROJECT, "workflow", "reason"),
        "wall time of a run's attempt",
    ),
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
        "age of the newest successful load when the file was written",
    ),
    Metric("chartly_build_info", "gauge", ("version",), "1, with the version as a label"),
)
