import pytest

from chartly.api.documents import Document
from chartly.api.workflow_run import parse_workflow_run
from chartly.errors import SpecError
from chartly.names import API_VERSION


def _run(spec, name="sales-1"):
    content = {"apiVersion": API_VERSION, "kind": "WorkflowRun", "metadata": {"name": name}}
    return parse_workflow_run(Document("run.yaml", 1, {**content, "spec": spec}))


REF = {"workflowRef": {"name": "sales-onboard", "version": "1.0.0"}}
WINDOW = {"start": "2026-02-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}


def test_a_run_names_its_workflow():
    run = _run({**REF, "window": WINDOW, "control": {"cancel": "terminate"}})
    assert run.name == "sales-1"
    assert run.spec.workflow_ref.version == "1.0.0"
    assert run.spec.trigger.type == "manual"


@pytest.mark.parametrize(
    ("spec", "name", "says"),
    [
        ({}, "a", "spec.workflowRef: is required"),
        ({**REF, "window": {**WINDOW, "end": WINDOW["start"]}}, "a", "start must be before end"),
        ({**REF, "window": {**WINDOW, "end": "2026-02-02"}}, "a", "needs an offset"),
        ({**REF, "window": {**WINDOW, "end": "soon"}}, "a", "must be an RFC 3339 instant"),
        ({**REF, "window": {**WINDOW, "end": "2026-02-02T00:00:00"}}, "a", "needs an offset"),
        ({**REF, "window": {**WINDOW, "end": "2026-02-02T00:00Z"}}, "a", "must be an RFC 3339 instant"),
        ({**REF, "window": {**WINDOW, "end": "2100-02-29T00:00:00Z"}}, "a", "must be an RFC 3339 instant"),
        ({**REF, "control": {"cancel": "now"}}, "a", "is not one of terminate"),
        (REF, "a" * 53, "at most 52 characters"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence(spec, name, says):
    """INV-10."""
    with pytest.raises(SpecError, match=says):
        _run(spec, name)
