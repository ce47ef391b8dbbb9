from datetime import UTC, datetime, timedelta

from chartly.reconcile.sweep import unused_snapshots

NOW = datetime(2026, 2, 10, 12, 0, tzinfo=UTC)


def config(name, hours, holds="snapshot"):
    made = (NOW - timedelta(hours=hours)).isoformat()
    labels = {"chartly.io/config": holds}
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "a", "uid": name, "creationTimestamp": made, "labels": labels},
    }  # fmt: skip


def test_snapshots_that_no_run_refers_to_go_after_an_hour():
    runs = [
        {"metadata": {"name": "r"}, "status": {"config": {"name": "used"}}},
        {"metadata": {"name": "s"}},
    ]
    configs = [
        config("used", 9),
        config("young", 0.5),
        config("old", 2),
        config("v", 9, "versions"),
    ]
    assert [one.key.name for one in unused_snapshots(configs, runs, NOW)] == ["old"]
