import json

import pytest

from chartly.api.object_status import ProfileStatus, WorkflowRunStatus, WorkflowStatus
from chartly.crds.status_schema import status_schema


@pytest.mark.parametrize("model", [ProfileStatus, WorkflowStatus, WorkflowRunStatus])
def test_an_object_that_nobody_looked_at_says_so(model):
    schema = status_schema(model, lambda model, name: name)
    assert schema["default"] == {"observedGeneration": -1}
    assert schema["properties"]["observedGeneration"]["default"] == -1


def test_conditions_are_kept_by_type():
    schema = status_schema(ProfileStatus, lambda model, name: name)
    conditions = schema["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    item = conditions["items"]
    assert item["required"] == ["type", "status", "lastTransitionTime", "reason", "message"]
    assert item["properties"]["lastTransitionTime"]["format"] == "date-time"
    assert item["properties"]["reason"]["pattern"].startswith("^[A-Za-z]")


def test_a_run_s_status_has_the_shape_of_the_contract():
    attempt = {"number": 1, "job": "a-a1", "start": "2026-02-02T00:00:00Z", "exitCode": 0}
    status = WorkflowRunStatus.model_validate_json(
        json.dumps({"attempts": [attempt], "outcome": "Succeeded"})
    )
    assert status.attempts[0].exit_code == 0
    assert status.observed_generation == -1
