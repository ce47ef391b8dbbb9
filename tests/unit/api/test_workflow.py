import pytest

from chartly.api.documents import Document
from chartly.api.workflow import as_resource, parse_workflow
from chartly.errors import SpecError
from support.profiles import changed, playbook_workflow, workflow

NO = object()


def test_both_spellings_of_the_file_say_the_same():
    playbook = workflow()
    resource = parse_workflow(Document("r.yaml", 1, as_resource(playbook, "ns")))
    assert resource.spelling == "customResource"
    assert resource.namespace == "ns"
    assert (resource.name, resource.version, resource.steps, resource.spec, resource.written) == (
        playbook.name,
        playbook.version,
        playbook.steps,
        playbook.spec,
        playbook.written,
    )
    assert str(resource) == "workflow sales-onboard@1.0.0"


def test_a_resource_without_namespace_and_labels_has_none():
    bare = changed(playbook_workflow(), "metadata.labels", drop=True)
    assert as_resource(parse_workflow(bare), None)["metadata"] == {"name": "sales-onboard"}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("metadata.version", "latest", 'metadata.version: "latest" is not allowed'),
        ("metadata.name", "Sales", "metadata.name"),
        ("metadata.nam", "x", "did you mean 'name'?"),
        ("spec.steps", [], "spec.steps: "),
        ("spec.steps", NO, "spec.steps: is required"),
        ("spec.step", [], "did you mean 'steps'?"),
        ("spec.steps.0.type", "sync", 'spec.steps[0].type: "sync" is not one of'),
        ("spec.steps.0", {}, "spec.steps[0].type: is required"),
        ("spec.steps.0.conector_profile", "x", "did you mean 'connector_profile'?"),
        ("spec.steps.0.connector_profile", NO, "exactly one of connector_profile, connector_id"),
        ("spec.steps.0.connector_id", "x", "exactly one of connector_profile, connector_id"),
        ("spec.steps.1.when", {"enabled": True}, "unknown field 'when'"),
        ("spec.steps.3.when.enabled", "yes", "must be true or false"),
        ("spec.concurrency", "forbid", "did you mean 'Forbid'?"),
        ("spec.runtime", {"resources": {"limits": {"memory": "lots"}}}, '"lots" is not allowed; it takes a number, and then m, k, M'),
        ("kind", "x", None),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence(path, value, says):
    """INV-10."""
    bad = changed(playbook_workflow(), path, value, drop=value is NO)
    if says is None:
        assert parse_workflow(bad).name == "sales-onboard"
        return
    with pytest.raises(SpecError) as caught:
        parse_workflow(bad)
    assert any(says in str(one) for one in caught.value.problems)


def test_a_resource_needs_a_version_and_a_slug_for_a_name():
    resource = as_resource(workflow(), None)
    for path, says in (("spec.version", "spec.version: is required"),):
        with pytest.raises(SpecError, match=says):
            parse_workflow(changed(Document("r", 1, resource), path, drop=True))
    with pytest.raises(SpecError, match="metadata.name"):
        parse_workflow(changed(Document("r", 1, resource), "metadata.name", "a_b"))
