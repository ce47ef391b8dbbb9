"""The operator's metrics, as ``chartly.evidence.metric_table`` declares them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chartly.evidence.metric_table import OPERATOR_METRICS, Metric
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import condition_of, parse_timestamp
from chartly_operator.indexes import PHASES, workflow_of

# Creation times of series are not documented metrics, and would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]
_START_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
_RUN_BUCKETS = (1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
_LOOK_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
_DECLARED = {metric.name: metric for metric in OPERATOR_METRICS}


class _ReadAtScrape(Collector):
    """Gauges that are read at each scrape."""

    def __init__(self, read: Callable[[], dict[str, dict[tuple[str, ...], float]]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, values in self._read().items():
            declared = _DECLARED[name]
            family = GaugeMetricFamily(name, declared.meaning, labels=declared.labels)
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family


class Metrics:
    """Counts; no label names a run."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._looks = self._counter("chartly_reconcile_total")
        self._calls = self._counter("chartly_api_requests_total")
        self._seconds = self._histogram("chartly_reconcile_seconds", _LOOK_BUCKETS)
        self._starts = self._histogram("chartly_run_start_latency_seconds", _START_BUCKETS)
        self._ends = self._histogram("chartly_run_duration_seconds", _RUN_BUCKETS)
        self._leader = self._gauge("chartly_leader")
        self._gauge("chartly_build_info").labels(version("chartly")).set(1)

    def watch(
        self, count: Callable[[str], int], depth: Callable[[], int], age: Callable[[], float]
    ) -> None:
        """Registers gauges of the runs in each phase and of the queue, read at each scrape."""

        def read() -> dict[str, dict[tuple[str, ...], float]]:
            return {
                "chartly_runs": {(phase,): count(phase) for phase in PHASES},
                "chartly_queue_depth": {(): depth()},
                "chartly_queue_age_seconds": {(): age()},
            }

        self._registry.register(_ReadAtScrape(read))

    def called(self, verb: str, code: int) -> None:
        self._calls.labels(verb, str(code)).inc()

    def looked(self, kind: str, outcome: str, seconds: float) -> None:
        self._looks.labels(kind, outcome).inc()
        self._seconds.observe(seconds)

    def leads(self, *, leading: bool) -> None:
        self._leader.set(leading)

    def started(self, run: Object, now: datetime) -> None:
        """Counts a run whose first Job was made now."""
        self._starts.observe(max(0.0, (now - _born(run)).total_seconds()))

    def ended(self, run: Object, project: tuple[str, str], now: datetime) -> None:
        """Counts a run that finished now."""
        succeeded = condition_of(run, "Succeeded")
        reason = "" if succeeded is None else str(succeeded["reason"])
        labels = (*project, workflow_of(run), reason)
        self._ends.labels(*labels).observe(max(0.0, (now - _born(run)).total_seconds()))

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str) -> Counter:
        return Counter(*_head(name), registry=self._registry)

    def _gauge(self, name: str) -> Gauge:
        return Gauge(*_head(name), registry=self._registry)

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(*_head(name), registry=self._registry, buckets=buckets)


def _head(name: str) -> tuple[str, str, tuple[str, ...]]:
    declared: Metric = _DECLARED[name]
    return name, declared.meaning, declared.labels


def _born(run: Object) -> datetime:
    return parse_timestamp(run["metadata"]["creationTimestamp"])
