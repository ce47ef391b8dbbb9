from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chartly.errors import Reason
from chartly.evidence.metric_table import METRICS
from chartly_loader.load_request import LoadResult
from chartly_loader.run_metrics import run_metrics, write_metrics
from chartly_spool.segment import Counters
from support.loading import sales_plan

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
RUN = "sales-onboard-7f3k2m"
COUNTS = {"loaded": 7, "rejected": 1, "duplicate": 2, "filtered": 0, "late": 0}
RESULT = LoadResult(
    reason=Reason.SUCCEEDED,
    message="",
    counts={"pages": 2, "bytes": 90, "read": 10, "corrected": 0, **COUNTS},
    counters=Counters(2, 4, 1, 100, 0.25, {"200": 3, "503": 1}),
    outputs=(),
    audit_head="1:" + "a" * 64,
    audited=True,
    seconds={"load": 1.5, "settle": 0.25},
    newest={"sales-events": NOON - timedelta(hours=1)},
)


@pytest.fixture
def written(tmp_path):
    """The families and samples of a result, as a Prometheus server would read them."""

    def write(result, seconds=2.0):
        path = tmp_path / "metrics.prom"
        write_metrics(run_metrics(result, sales_plan(), "sales-onboard", seconds, NOON), path)
        return list(text_string_to_metric_families(path.read_text(encoding="utf-8")))

    return write


def samples(families):
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_run_writes_the_playbooks_metrics(written):
    found = samples(written(RESULT))
    connector = ("sales-http", "proj-sales", "tenant-demo")
    name = "chartly_connector_{}_total".format
    assert found[name("requests"), "200", *connector] == 3
    assert found[name("requests"), "503", *connector] == 1
    assert found[name("bytes_ingested"), *connector] == 100
    assert found[name("retries"), *connector] == 1
    assert found[name("throttled_seconds"), *connector] == 0.25
    for outcome, count in COUNTS.items():
        records = ("chartly_records_total", "sales-events", outcome, "proj-sales", "tenant-demo")
        assert found[records] == count


def test_the_file_holds_what_the_table_declares_and_nothing_else(written):
    families = written(RESULT)
    assert {(one.name, one.type, one.documentation) for one in families} == {
        (one.name.removesuffix("_total"), one.kind, one.meaning) for one in METRICS
    }
    declared = {one.name.removesuffix("_total"): set(one.labels) for one in METRICS}
    for family in families:
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == declared[family.name]


def test_durations_fall_into_cumulative_buckets(written):
    found = samples(written(RESULT, seconds=7.0))
    run = ("proj-sales", "Succeeded", "tenant-demo", "sales-onboard")
    bucket = "chartly_run_duration_seconds_bucket"
    assert found["chartly_run_duration_seconds_sum", *run] == 7.0
    assert found["chartly_run_duration_seconds_count", *run] == 1
    assert [found[bucket, le, *run] for le in ("0.5", "5.0", "10.0", "+Inf")] == [0, 0, 1, 1]
    step = ("proj-sales", "settle", "tenant-demo")
    assert found["chartly_step_duration_seconds_sum", *step] == 0.25


FRESH = ("chartly_dataset_freshness_seconds", "sales-events", "proj-sales", "tenant-demo")


def test_a_run_that_failed_does_not_make_its_dataset_fresh(written):
    failed = samples(written(replace(RESULT, reason=Reason.PEER_LOST)))
    assert FRESH not in failed
    assert any("PeerLost" in labels for labels in failed)


@pytest.mark.parametrize(
    ("newest", "age", "because"),
    [
        ({"sales-events": NOON - timedelta(hours=1)}, 3600.0, "it is the event's age"),
        ({"sales-events": NOON}, 0.0, "an event of this moment"),
        ({"sales-events": NOON + timedelta(seconds=5)}, -5.0, "an event of the future"),
        ({}, None, "no event has a time, so there is no age"),
    ],
)
def test_a_dataset_is_as_fresh_as_its_newest_event(written, newest, age, because):
    for seconds in (2.0, 900.0):
        told = samples(written(replace(RESULT, newest=newest), seconds))
        assert told.get(FRESH) == age, because


def test_no_label_names_a_run(written):
    """Labels are bounded: their number must not grow with runs."""
    assert not [key for key in samples(written(RESULT)) if RUN in key]
    assert not [one.name for one in METRICS if {"run", "run_id"} & set(one.labels)]
