import asyncio
import json

import pytest

from chartly.api.profile import as_resource as profile_resource
from chartly.api.workflow import as_resource as workflow_resource
from chartly.names import PROJECT_LABEL, TENANT_LABEL
from chartly.reconcile.actions import Key
from support.profiles import playbook_profiles, workflow

SPACE = "tenant-demo-proj-sales"


@pytest.fixture
def space():
    return SPACE


@pytest.fixture
def playbook():
    """The playbook's project as a user has applied it."""
    labels = {TENANT_LABEL: "tenant-demo", PROJECT_LABEL: "proj-sales"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chartly-global"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE, "labels": labels}},
        *(profile_resource(one, SPACE) for one in playbook_profiles()),
        workflow_resource(workflow(), SPACE),
    ]


@pytest.fixture
def a_run():
    def make(name="sales-1"):
        return {
            "apiVersion": "chartly.io/v1alpha1",
            "kind": "WorkflowRun",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {"workflowRef": {"name": "sales-onboard"}},
        }

    return make


@pytest.fixture
def run_key():
    return lambda name="sales-1": Key("WorkflowRun", SPACE, name)


@pytest.fixture
def said():
    """The states of loader and connector after an attempt."""

    def make(reason="Succeeded", code=0):
        content = {"reason": reason, "message": "", "audited": True, "auditHead": "3:abc"}
        content["counts"] = {"read": 3, "loaded": 3}
        return {"exitCode": code, "message": json.dumps(content)}, {"exitCode": 0}

    return make


@pytest.fixture
def play():
    """Runs a scenario; one that hangs fails."""

    def run(scenario, seconds=55):
        async def inside():
            async with asyncio.timeout(seconds):
                await scenario()

        asyncio.run(inside())

    return run
