import ast
from pathlib import Path

import pytest

import chartly.plan.prepare as module
from chartly.api.profile import parse_profile
from chartly.errors import Reason, SpecError
from chartly.plan.catalog import Catalog
from chartly.plan.prepare import freeze_workflow, prepare
from chartly.plan.snapshot import thaw
from chartly_folder.object_files import read_workspace
from support.installed import ROOT
from support.profiles import HOME, changed, playbook_profile, workflow

KINDS = ("connector", "normalizer", "storage", "analytics")


def catalog(**changes):
    documents = {kind: playbook_profile(kind) for kind in KINDS}
    for kind, edits in changes.items():
        for path, value in edits.items():
            documents[kind] = changed(documents[kind], path, value)
    return Catalog((HOME, parse_profile(one)) for one in documents.values())


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, "the playbook's own files"),
        ({"connector": {"spec.rateLimits": None}}, "a null is as good as absent"),
        ({"storage": {"spec.raw": {"enabled": True}}}, "an option that is off by default"),
    ],
)
def test_the_plan_is_the_one_that_runners_thaw(changes, because):
    """Nothing is parsed twice for it, and no runner could come to another plan."""
    frozen = freeze_workflow(workflow(), catalog(**changes), HOME)
    assert frozen.plan == thaw(frozen.snapshot.content, frozen.snapshot.digest, HOME), because


def test_so_it_is_for_every_shipped_workflow():
    workspace = read_workspace(ROOT)
    assert workspace.workflows
    for one in workspace.workflows:
        frozen = workspace.prepare(one)
        content, digest = frozen.snapshot.content, frozen.snapshot.digest
        assert frozen.plan == thaw(content, digest, frozen.resolution.project)


def test_what_cannot_run_is_refused_when_it_is_prepared_and_not_when_it_is_frozen():
    """What was stored by a workflow that no longer runs can still be named and removed."""
    broken = catalog(normalizer={"spec.mapping.event_id": "$.["})
    assert freeze_workflow(workflow(), broken, HOME).snapshot.digest
    with pytest.raises(SpecError) as refused:
        prepare(workflow(), broken, HOME)
    assert refused.value.reason is Reason.CONFIG_INVALID


def test_nobody_else_composes_the_steps():
    """Three compositions once differed in what they checked, and parsed every model twice."""
    steps = {"resolve", "freeze", "check_plan"}
    composers = {
        str(path.relative_to(ROOT))
        for root in ("core", "cli", "operator", "runners", "adapters")
        for path in (ROOT / root).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("chartly.plan.")
        and steps & {name.name for name in node.names}
    }
    assert composers == {str(Path(module.__file__).relative_to(ROOT))}
