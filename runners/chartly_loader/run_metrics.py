"""A run's metrics as a Prometheus text file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from chartly.errors import Reason
from chartly.evidence.metric_table import METRICS, Metric
from chartly.plan.runplan import RunPlan
from chartly_loader.load_request import LoadResult

_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_OUTCOMES = ("loaded", "rejected", "duplicate", "filtered", "late")


@dataclass(eq=False)
class _Values(Collector):
    """Values of the table's metrics, one for each set of labels."""

    values: dict[str, dict[tuple[str, ...], float]] = field(
        default_factory=lambda: {metric.name: {} for metric in METRICS}
    )

    def put(self, name: str, value: float, **labels: str) -> None:
        declared = next(metric.labels for metric in METRICS if metric.name == name)
        self.values[name][tuple(labels[label] for label in declared)] = value

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            yield _family(metric, self.values[metric.name])


def _family(metric: Metric, values: dict[tuple[str, ...], float]) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for labels, value in values.items():
            histogram.add_metric(labels, _buckets(value), value)
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _buckets(value: float) -> list[tuple[str, float]]:
    """The cumulative buckets of one observation."""
    bounds = [*map(float, _BUCKETS), float("inf")]
    return [
        ("+Inf" if bound == bounds[-1] else str(bound), float(value <= bound)) for bound in bounds
    ]


def run_metrics(
    result: LoadResult, plan: RunPlan, workflow: str, seconds: float, ended: datetime
) -> CollectorRegistry:
    """The metrics of one attempt.

    Args:
        seconds: the duration of the attempt.
        ended: when the attempt ended.
    """
    metrics = _Values()
    project = {"tenant": plan.project.tenant, "project": plan.project.project}
    _put_connector(metrics, result, {**project, "connector": plan.connector_name})
    # An attempt of an earlier version recorded no counts by dataset, and wrote one dataset.
    datasets = result.datasets or {plan.streams[0].storage.dataset: result.counts}
    for name, counts in datasets.items():
        for outcome in _OUTCOMES:
            labels = {**project, "dataset": name, "outcome": outcome}
            metrics.put("chartly_records_total", counts[outcome], **labels)
    if result.reason is Reason.SUCCEEDED:
        for name, newest in result.newest.items():
            age = (ended - newest).total_seconds()
            metrics.put("chartly_dataset_freshness_seconds", age, **project, dataset=name)
    run = {**project, "workflow": workflow, "reason": result.reason.value}
    metrics.put("chartly_run_duration_seconds", seconds, **run)
    for step, passed in result.seconds.items():
        metrics.put("chartly_step_duration_seconds", passed, **project, step=step)
    metrics.put("chartly_build_info", 1, version=version("chartly"))
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry


def _put_connector(metrics: _Values, result: LoadResult, connector: dict[str, str]) -> None:
    counters = result.counters
    for code, count in counters.codes.items():
        metrics.put("chartly_connector_requests_total", count, **connector, code=code)
    metrics.put("chartly_connector_bytes_ingested_total", counters.bytes, **connector)
    metrics.put("chartly_connector_retries_total", counters.retries, **connector)
    throttled = counters.throttled_seconds
    metrics.put("chartly_connector_throttled_seconds_total", throttled, **connector)


def write_metrics(registry: CollectorRegistry, path: Path) -> None:
    """Writes the metrics to a text file atomically."""
    write_to_textfile(str(path), registry)
