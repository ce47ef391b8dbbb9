import json

import pytest

from chartly.api.profile import parse_profile
from chartly.errors import Bug, Reason, RunError, SpecError
from chartly.plan import snapshot as module
from chartly.plan.catalog import Catalog
from chartly.plan.digest import digest_of
from chartly.plan.resolve import resolve
from chartly.plan.runplan import MAIN_STREAM, run_plan
from chartly.plan.snapshot import freeze, thaw
from support.profiles import (
    HOME,
    changed,
    playbook_profile,
    playbook_workflow,
    workflow,
)

STEPS = playbook_workflow().content["spec"]["steps"]


def _frozen(flow=None, **changes):
    profiles = []
    for kind in ("connector", "normalizer", "storage", "analytics"):
        source = playbook_profile(kind)
        for path, value in changes.get(kind, {}).items():
            source = changed(source, path, value)
        profiles.append((HOME, parse_profile(source)))
    profiles += changes.get("more", [])
    return freeze(resolve(flow or workflow(), Catalog(profiles), HOME))


def test_what_is_frozen_thaws_into_the_plan_that_runs():
    """INV-3."""
    frozen = _frozen()
    plan = thaw(frozen.content, frozen.digest, HOME)
    assert plan.digest == frozen.digest
    assert plan.project == HOME
    assert plan.connector_name == "sales-http"
    assert plan.connector.transport.base_url == "https://api.example.invalid"
    assert [one.name for one in plan.streams] == [MAIN_STREAM]
    assert plan.streams[0].storage.dataset == "sales-events"
    assert plan.analytics[0].spec.outputs.dataset == "sales-rollup-daily"
    assert [one.found_in for one in plan.profiles] == ["tenant-demo/proj-sales"] * 4


def test_compact_steps_and_disabled_ones_give_the_same_config_digest():
    compact = [
        {"type": "connector_sync", "connector_id": STEPS[0]["connector_profile"]},
        {"type": "normalize", "profile": "normalizer/sales-default@1.0.0"},
        {"type": "write_dataset", "dataset_id": STEPS[2]["storage_profile"]},
        {"type": "analytics_query", "query_ref": STEPS[3]["analytics_profile"]},
        {"type": "analytics_query", "query_ref": "analytics/x@1.0.0", "when": {"enabled": False}},
    ]
    other = workflow(changed(playbook_workflow(), "spec.steps", compact))
    assert _frozen(other).digest == _frozen().digest


@pytest.mark.parametrize("position", [0, 100, -1])
def test_one_changed_byte_is_refused(position):
    """INV-3: nothing runs that is not frozen."""
    frozen = _frozen()
    bytes_ = bytearray(frozen.content)
    bytes_[position] ^= 1
    with pytest.raises(RunError) as caught:
        thaw(bytes(bytes_), frozen.digest, HOME)
    assert caught.value.reason is Reason.SNAPSHOT_TAMPERED
    assert caught.value.exit_code == 6


def test_a_profile_that_does_not_have_its_own_digest_is_refused():
    """INV-3: also when the outer digest was made to fit."""
    content = json.loads(_frozen().content)
    content["profiles"][0]["spec"]["retry"]["maxAttempts"] = 20
    forged = json.dumps(content).encode()
    with pytest.raises(RunError, match="connector/sales-http") as caught:
        thaw(forged, digest_of(forged), HOME)
    assert caught.value.reason is Reason.SNAPSHOT_TAMPERED


def test_a_snapshot_has_a_limit(monkeypatch):
    monkeypatch.setattr(module, "MAX_SNAPSHOT_BYTES", 100)
    with pytest.raises(SpecError, match="allowed are 100") as caught:
        _frozen()
    assert caught.value.reason is Reason.SNAPSHOT_TOO_LARGE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"analytics": {"spec.inputs.dataset": "other"}}, 'spec.inputs.dataset: "other" is not written by this workflow'),
        ({"analytics": {"spec.outputs.dataset": "sales-events"}}, 'spec.outputs.dataset: "sales-events" is written by two steps'),
        ({"storage": {"spec.partitioning": None}}, "has no time column"),
    ],
)  # fmt: skip
def test_datasets_that_collide_are_refused(changes, says):
    frozen = _frozen(**changes)
    with pytest.raises(SpecError) as caught:
        thaw(frozen.content, frozen.digest, HOME)
    assert says in caught.value.message


def test_streams_are_named_and_hold_their_own_dataset():
    second = changed(playbook_profile("storage"), "metadata.name", "refunds")
    second = parse_profile(changed(second, "spec.dataset", "refunds"))
    steps = [
        STEPS[0],
        {**STEPS[1], "stream": "orders"},
        {**STEPS[2], "stream": "orders"},
        {**STEPS[1], "stream": "refunds"},
        {"type": "write_dataset", "storage_profile": "storage/refunds@1.0.0", "stream": "refunds"},
    ]
    flow = workflow(changed(playbook_workflow(), "spec.steps", steps))
    frozen = _frozen(flow, more=[(HOME, second)])
    plan = thaw(frozen.content, frozen.digest, HOME)
    assert [(one.name, one.storage.dataset) for one in plan.streams] == [
        ("orders", "sales-events"),
        ("refunds", "refunds"),
    ]


def test_a_step_with_a_profile_of_another_kind_is_a_bug():
    """``resolve`` checks kinds; a plan made past it must not run."""
    frozen = json.loads(_frozen().content)
    references = {one["reference"]: one for one in frozen["profiles"]}
    plan = thaw(_frozen().content, _frozen().digest, HOME)
    by_kind = {one.reference.profile.kind: one for one in plan.profiles}
    profiles = {one.reference: one for one in plan.profiles}
    assert len(references) == 4
    connector, storage = by_kind["connector"].reference, by_kind["storage"].reference
    normalizer = by_kind["normalizer"].reference
    good = [
        ("connector_sync", None, connector),
        ("normalize", None, normalizer),
        ("write_dataset", None, storage),
    ]
    for steps in (
        [("connector_sync", None, storage), *good[1:]],
        [good[0], ("normalize", None, storage), good[2]],
        [*good, ("analytics_query", None, storage)],
    ):
        with pytest.raises(Bug):
            run_plan(HOME, "sha256:x", steps, profiles)
