"""What a teardown plans and in which order it does it, whatever keeps files and tables."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from chartly.api.place import Place
from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.plan.catalog import Catalog
from chartly.plan.prepare import freeze_workflow
from chartly_service.removal import RemovalResult
from chartly_service.teardown import KeptPart, RemovableDomain, plan_teardown, tear_down
from support.profiles import playbook_profiles, workflow

HOME = Project("tenant-demo", "proj-sales")
NOW = datetime(2026, 2, 2, tzinfo=UTC)
ORDER = [
    "workflow.deleted sales-onboard",
    "dataset.deleted sales-rollup-daily",
    "dataset.deleted sales-events",
    "profile.deprecated connector/sales-http@1.0.0",
    "profile.deprecated normalizer/sales-default@1.0.0",
    "profile.deprecated storage/sales-events@1.0.0",
    "profile.deprecated analytics/sales-daily-rollup@1.0.0",
]


@dataclass
class World:
    """Files and tables in memory; ``broken`` is what cannot be removed."""

    broken: str = ""
    writers: dict = field(default_factory=dict)
    done: list = field(default_factory=list)
    recorded: list = field(default_factory=list)

    def _act(self, name):
        if name == self.broken:
            raise Place(object=name).refusal("not today")
        self.done.append(name)
        return True


class Files(World):
    def begin(self, workflow):
        self.done.append("begin")

    def end(self, workflow):
        self.done.append("end")

    def others(self, workflow):
        return []

    def remove(self, workflow):
        return self._act(workflow.name)

    def end_runs(self, workflow):
        self.done.append("runs ended")

    def deprecate(self, profile, because):
        return self._act(str(profile.id))


class Tables(World):
    def writer_of(self, dataset):
        return self.writers.get(dataset)

    def drop_output(self, dataset):
        return self._act(dataset)

    def drop_dataset(self, dataset):
        return self._act(dataset)

    def record(self, kind, data, now):
        if kind == self.broken:
            raise RunError(Reason.STORE_UNAVAILABLE, "the trail is full")
        assert now() == NOW
        self.recorded.append(f"{kind} {data['name']}")


def domain(files, tables):
    profiles = Catalog([(HOME, one) for one in playbook_profiles()])
    return RemovableDomain(freeze_workflow(workflow(), profiles, HOME), files, tables)


def torn_down(files, tables):
    asked = domain(files, tables)
    return tear_down(asked, plan_teardown(asked), lambda: NOW)


def named(text):
    kind, _, name = text.partition(" ")
    return f"{kind} {'sales-onboard' if kind == 'workflow.deleted' else name}"


def test_everything_goes_in_the_playbook_s_order_and_is_recorded_one_by_one():
    files, tables = Files(), Tables()
    outcomes = torn_down(files, tables)
    assert {one.result for one in outcomes} == {RemovalResult.REMOVED}
    assert [named(one) for one in tables.recorded] == ORDER
    assert (files.done[0], files.done[-1]) == ("begin", "end")
    assert "runs ended" in files.done
    assert tables.done == ["sales-rollup-daily", "sales-events"]


def test_what_another_workflow_writes_is_kept():
    asked = domain(
        Files(), Tables(writers={"sales-events": "other", "sales-rollup-daily": "sales-onboard"})
    )
    plan = plan_teardown(asked)
    assert plan.kept == [KeptPart("dataset: sales-events", "workflow other writes it")]
    assert "sales-events" not in [one.name for one in plan.steps if one.event == "dataset.deleted"]


def test_where_nothing_was_stored_files_alone_go():
    files = Files()
    outcomes = torn_down(files, None)
    assert len(outcomes) == len(ORDER) - 2
    assert "runs ended" not in files.done


@pytest.mark.parametrize(
    ("broken", "failed", "waiting", "because"),
    [
        ("sales-rollup-daily", 1, 5, "a canonical dataset stands under what is derived of it"),
        ("sales-events", 1, 4, "profiles are marked last"),
        ("storage/sales-events@1.0.0", 1, 0, "others of its kind are done"),
        ("dataset.deleted", 1, 5, "what cannot be recorded is not done"),
    ],
)
def test_what_fails_keeps_what_is_removed_later_waiting(broken, failed, waiting, because):
    files, tables = Files(broken=broken), Tables(broken=broken)
    results = [one.result for one in torn_down(files, tables)]
    assert results.count(RemovalResult.FAILED) == failed, because
    assert results.count(RemovalResult.WAITING) == waiting, because
    assert "end" not in files.done, "it can be taken up again"
