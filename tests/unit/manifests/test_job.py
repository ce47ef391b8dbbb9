import pytest

from chartly.api.reference import Project
from chartly.manifests.attempt_plan import AttemptPlan, Installation
from chartly.manifests.job import job
from chartly.manifests.snapshot_config import config_map
from chartly.plan.snapshot import Snapshot

DIGEST = "sha256:" + "ab" * 32
INSTALLATION = Installation(
    connector_image="connector:1",
    loader_image="loader:1",
    image_pull_policy="IfNotPresent",
    grantable_cidrs=("10.0.0.0/8",),
    connector_resources={"limits": {"memory": "256Mi"}},
    loader_resources={"limits": {"memory": "1536Mi", "cpu": "2"}},
    spool_bytes=1000,
)


def plan(**changes):
    given = {
        "run": "sales-1", "run_uid": "uid-1", "run_id": "sales-1.uid-1", "namespace": "a-b",
        "project": Project("a", "b"), "workflow": "sales", "workflow_version": "1.0.0", "attempt": 2,
        "config_digest": DIGEST, "run_digest": "sha256:run", "frozen_at": "2026-02-10T06:00:00.000Z",
        "secret": ("sales-http", "token"), "deadline": 60,
    }  # fmt: skip
    return AttemptPlan(**{**given, **changes})


def pod(**changes):
    return job(plan(**changes), INSTALLATION)["spec"]["template"]["spec"]


def mounts(container):
    return {one["name"]: one["mountPath"] for one in container["volumeMounts"]}


def test_an_attempt_is_one_job_with_one_pod():
    """INV-1."""
    made = job(plan(), INSTALLATION)
    assert made["metadata"]["name"] == "sales-1-a2"
    spec = made["spec"]
    assert (spec["parallelism"], spec["completions"], spec["backoffLimit"]) == (1, 1, 0)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert "ttlSecondsAfterFinished" not in spec
    assert made["metadata"]["ownerReferences"][0] == {
        "apiVersion": "chartly.io/v1alpha1", "kind": "WorkflowRun", "name": "sales-1", "uid": "uid-1",
        "controller": True, "blockOwnerDeletion": False,
    }  # fmt: skip
    assert made["metadata"]["labels"] == spec["template"]["metadata"]["labels"]


def test_pods_are_restricted():
    found = pod()
    assert found["automountServiceAccountToken"] is False
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in found["containers"]:
        context = container["securityContext"]
        assert context == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    sized = [one["emptyDir"]["sizeLimit"] for one in found["volumes"] if "emptyDir" in one]
    assert len(sized) == 3


def test_each_side_has_its_own_secret_only():
    """INV-6: the connector has no way to the store, the loader no credential of the API."""
    connector, loader = pod()["containers"]
    assert "store" not in mounts(connector)
    assert mounts(connector)["api-secret"] == "/chartly/secrets/sales-http"
    assert not {"api-secret", "trust"} & set(mounts(loader))
    assert "env" not in connector
    assert "env" not in loader


def test_a_missing_secret_is_the_runner_s_sentence_and_not_a_pod_that_never_starts():
    volumes = {one["name"]: one for one in pod()["volumes"]}
    assert volumes["store"]["secret"]["optional"] is True
    assert volumes["trust"]["configMap"]["optional"] is True
    secret = volumes["api-secret"]["secret"]
    assert secret["optional"] is True
    assert [one["key"] for one in secret["items"]] == ["token", "allowed-origins"]


def test_without_a_secret_nothing_is_mounted_for_it():
    found = pod(secret=None)
    assert "api-secret" not in {one["name"] for one in found["volumes"]}
    assert "api-secret" not in mounts(found["containers"][0])


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (0, ["--digest", DIGEST]),
        (0, ["--project", "a/b"]),
        (0, ["--spool-limit", "750"]),
        (0, ["--grant-cidr", "10.0.0.0/8"]),
        (1, ["--digest", DIGEST]),
        (1, ["--run", "sales-1.uid-1"]),
        (1, ["--attempt", "2"]),
        (1, ["--frozen-at", "2026-02-10T06:00:00.000Z"]),
        (1, ["--run-digest", "sha256:run"]),
    ],
)
def test_both_are_told_what_they_need(side, words):
    arguments = pod()["containers"][side]["args"]
    assert arguments[arguments.index(words[0]) + 1] == words[1]


def test_resources_of_the_workflow_go_over_those_of_the_installation():
    from chartly.api.run_policy import Runtime

    runtime = Runtime.model_validate_json('{"resources": {"limits": {"memory": "4Gi"}}}')
    loader = pod(runtime=runtime)["containers"][1]
    assert loader["resources"]["limits"] == {"memory": "4Gi", "cpu": "2"}


def test_the_runners_read_the_arguments_that_the_job_gives():
    """The Job's words are the parsers' words."""
    from chartly_connector.__main__ import _arguments as connector_arguments
    from chartly_loader.__main__ import _arguments as loader_arguments

    connector, loader = pod(window=("2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z"))["containers"]
    assert connector_arguments(connector["args"]).project == "a/b"
    assert loader_arguments(loader["args"]).run == "sales-1.uid-1"


def test_frozen_inputs_are_immutable_and_named_by_their_digest():
    """INV-3."""
    made = config_map(Snapshot(b'{"a":"\xc3\xa9"}', DIGEST), "a-b")
    assert made["metadata"]["name"] == f"chartly-cfg-{'ab' * 32}"
    assert made["immutable"] is True
    assert made["data"] == {"snapshot.json": '{"a":"é"}'}
