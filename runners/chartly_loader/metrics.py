"""A run's metrics as a Prometheus text file."""

from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, write_to_textfile

from chartly.evidence.metric_table import METRICS
from chartly.plan.runplan import RunPlan
from chartly_loader.request import LoadResult

_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
_OUTCOMES = ("loaded", "rejected", "duplicate", "filtered", "late")


class RunMetrics:
    """The metrics of the table, each in one registry of its own run."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._kinds: dict[str, Counter | Gauge | Histogram] = {}
        for one in METRICS:
            self._kinds[one.name] = (
                Histogram(
                    one.name, one.meaning, one.labels, buckets=_BUCKETS, registry=self.registry
                )
                if one.kind == "histogram"
                else (Counter if one.kind == "counter" else Gauge)(
                    one.name, one.meaning, one.labels, registry=self.registry
                )
            )

    def put(self, name: str, value: float, **labels: str) -> None:
        """Counts, sets or observes a value, as the metric's kind asks for."""
        metric = self._kinds[name].labels(**labels)
        if isinstance(metric, Counter):
            metric.inc(value)
        elif isinstance(metric, Gauge):
            metric.set(value)
        else:
            metric.observe(value)


def run_metrics(
    result: LoadResult, plan: RunPlan, workflow: str, seconds: float
) -> CollectorRegistry:
    """The metrics of one attempt."""
    metrics = RunMetrics()
    project = {"tenant": plan.project.tenant, "project": plan.project.project}
    connector = {**project, "connector": plan.connector_name}
    counters = result.counters
    for code, count in counters.codes.items():
        metrics.put("chartly_connector_requests_total", count, **connector, code=code)
    metrics.put("chartly_connector_bytes_ingested_total", counters.bytes, **connector)
    metrics.put("chartly_connector_retries_total", counters.retries, **connector)
    metrics.put(
        "chartly_connector_throttled_seconds_total", counters.throttled_seconds, **connector
    )
    dataset = plan.streams[0].storage.dataset
    for outcome in _OUTCOMES:
        labels = {**project, "dataset": dataset, "outcome": outcome}
        metrics.put("chartly_records_total", result.counts[outcome], **labels)
    metrics.put("chartly_dataset_freshness_seconds", 0, **project, dataset=dataset)
    metrics.put(
        "chartly_run_duration_seconds",
        seconds,
        **project,
        workflow=workflow,
        reason=result.reason.value,
    )
    for step, passed in result.seconds.items():
        metrics.put("chartly_step_duration_seconds", passed, **project, step=step)
    metrics.put("chartly_build_info", 1, version=version("chartly"))
    return metrics.registry


def write_metrics(registry: CollectorRegistry, path: Path) -> None:
    """The metrics as a text file, whole or not at all."""
    write_to_textfile(str(path), registry)
