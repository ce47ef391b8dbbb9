from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from chartly.evidence.metric_table import METRICS, OPERATOR_METRICS
from chartly_operator.metrics import Metrics

RUN = {
    "metadata": {"creationTimestamp": "2026-02-02T00:00:00Z"},
    "spec": {"workflowRef": {"name": "w"}},
}


def families():
    metrics = Metrics()
    metrics.watch(len, lambda: 3, lambda: 1.5)
    metrics.called("list", 200)
    metrics.looked("Profile", "acted", 0.1)
    metrics.leads(leading=True)
    now = datetime(2026, 2, 2, 0, 0, 5, tzinfo=UTC)
    metrics.started(RUN, now)
    metrics.ended(RUN, ("t", "p"), now)
    return list(text_string_to_metric_families(metrics.text().decode()))


def test_what_is_served_is_what_the_table_declares():
    assert {(one.name, one.type, one.documentation) for one in families()} == {
        (one.name.removesuffix("_total"), one.kind, one.meaning) for one in OPERATOR_METRICS
    }
    declared = {one.name.removesuffix("_total"): set(one.labels) for one in OPERATOR_METRICS}
    for family in families():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == declared[family.name], sample


def test_values():
    found = {
        (one.name, *one.labels.values()): one.value
        for family in families()
        for one in family.samples
    }
    assert found["chartly_runs", "cancelled"] == 9
    assert found["chartly_queue_depth",] == 3
    assert found["chartly_queue_age_seconds",] == 1.5
    assert found["chartly_leader",] == 1
    assert found["chartly_run_start_latency_seconds_sum",] == 5


def test_no_label_names_a_run():
    assert not [one for one in OPERATOR_METRICS if {"run", "name", "namespace"} & set(one.labels)]


def test_a_metric_of_both_means_the_same():
    ours = {one.name: one for one in OPERATOR_METRICS}
    both = [one for one in METRICS if one.name in ours]
    assert {one.name for one in both} == {"chartly_run_duration_seconds", "chartly_build_info"}
    assert all(ours[one.name] is one for one in both)
