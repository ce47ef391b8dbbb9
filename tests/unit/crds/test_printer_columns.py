import re

import pytest

from chartly.api.object_status import ProfileStatus, WorkflowRunStatus, WorkflowStatus
from chartly.crds.printer_columns import PROFILE_COLUMNS, RUN_COLUMNS, WORKFLOW_COLUMNS

CASES = [
    (PROFILE_COLUMNS, ProfileStatus, ["Kind", "Name", "Version", "Ready", "Reason", "Age"]),
    (WORKFLOW_COLUMNS, WorkflowStatus, ["Version", "Ready", "Reason", "Age"]),
    (RUN_COLUMNS, WorkflowRunStatus, ["Workflow", "Succeeded", "Reason", "Attempt", "Read", "Loaded", "Started", "Age"]),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "status", "names"), CASES)
def test_columns_tell_the_state(columns, status, names):
    assert [one["name"] for one in columns if "priority" not in one] == names
    fields = {info.alias or name for name, info in status.model_fields.items()}
    for one in columns:
        found = re.match(r"\.status\.(\w+)", one["jsonPath"])
        assert found is None or found[1] in fields, one
