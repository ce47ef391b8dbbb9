from support.profiles import changed, playbook_workflow, workflow

PREFIX = "tenant-demo/proj-sales::"
COMPACT = [
    {"type": "connector_sync", "connector_id": f"{PREFIX}connector/sales-http@1.0.0"},
    {"type": "normalize", "profile": f"{PREFIX}normalizer/sales-default@1.0.0"},
    {"type": "write_dataset", "dataset_id": f"{PREFIX}storage/sales-events@1.0.0"},
    {"type": "analytics_query", "query_ref": f"{PREFIX}analytics/sales-daily-rollup@1.0.0"},
]


def test_explicit_and_compact_steps_say_the_same():
    compact = changed(playbook_workflow(), "spec.steps", COMPACT)
    assert workflow(compact).steps == workflow().steps


def test_a_disabled_step_is_kept_as_disabled():
    off = changed(playbook_workflow(), "spec.steps.3.when.enabled", False)
    assert [step.enabled for step in workflow(off).steps] == [True, True, True, False]
