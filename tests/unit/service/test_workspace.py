"""Documents as a workspace: which objects it has, and which project they belong to."""

import json
from pathlib import Path

import pytest

from chartly.api.documents import Document
from chartly.api.reference import Project
from chartly.errors import Reason, SpecError
from chartly_service.workspace import Workspace
from support.playbook_workspace import playbook_workspace
from support.profiles import HOME, changed, playbook_profile, playbook_workflow

LABELS = {"chartly.io/tenant": "a", "chartly.io/project": "b"}


def kind(value):
    return Document("x.yaml", 1, {} if value is None else {"kind": value})


def namespace(labels):
    return Document("namespace.yaml", 1, {"kind": "Namespace", "metadata": {"labels": labels}})


def workspace_of(*documents):
    workspace = Workspace(Path("sales"))
    for document in documents:
        workspace.add(document, shared=False)
    return workspace


def homeless(document):
    """A workflow whose references name no project."""
    content = json.dumps(document.content).replace(f"{HOME}::", "")
    return Document(document.source, document.line, json.loads(content))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (kind(None), "kind: is required; allowed are Profile, Workflow, WorkflowRun, Namespace"),
        (kind("Profil"), "did you mean 'Profile'?"),
        (kind("Secret"), "allowed are Profile, Workflow, WorkflowRun, Namespace"),
        (namespace({**LABELS, "chartly.io/project": "B"}), "metadata.labels"),
        (changed(playbook_profile("storage"), "spec.x", 1), "spec: unknown field 'x'"),
    ],
)
def test_a_document_that_is_no_object_is_a_problem(document, says):
    workspace = workspace_of(document)
    (problem,) = workspace.problems
    assert says in str(problem)
    assert workspace.size == 0
    with pytest.raises(SpecError):
        workspace.require_whole()


def test_a_profile_in_the_global_namespace_is_shared():
    resource = Document(
        "x.yaml",
        1,
        {
            "apiVersion": "chartly.io/v1alpha1",
            "kind": "Profile",
            "metadata": {"name": "storage-sales-events-1.0.0", "namespace": "chartly-global"},
            "spec": {
                "kind": "storage",
                "name": "sales-events",
                "version": "1.0.0",
                "storage": playbook_profile("storage").content["spec"],
            },
        },
    )
    assert [shared for shared, _ in workspace_of(resource).profiles] == [True]
    assert [shared for shared, _ in workspace_of(playbook_profile("storage")).profiles] == [False]


@pytest.mark.parametrize("name", ["sales-onboard", "sales_onboard", "sales"])
def test_a_workflow_is_named_by_its_name_or_its_domain(name):
    assert playbook_workspace().workflow(name).name == "sales-onboard"


VERSION = changed(playbook_workflow(), "metadata.version", "2.0.0")


@pytest.mark.parametrize(
    ("workspace", "name", "says"),
    [
        (playbook_workspace(), "sals", "did you mean 'sales'?"),
        (playbook_workspace(), "x", "allowed are sales, sales-onboard"),
        (workspace_of(), "x", "it holds no workflow"),
        (playbook_workspace(VERSION), "sales", "is in several files"),
        (workspace_of(kind("Profil")), "sales", "did you mean 'Profile'?"),
    ],
)
def test_a_name_of_no_workflow_or_of_several_is_refused(workspace, name, says):
    with pytest.raises(SpecError) as refused:
        workspace.workflow(name)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("documents", "project", "because"),
    [
        ((playbook_workflow(),), HOME, "its references name it"),
        ((playbook_workflow(), namespace(LABELS)), Project("a", "b"), "the folder names another"),
        ((homeless(playbook_workflow()), namespace(LABELS)), Project("a", "b"), "the folder"),
        ((playbook_workflow(), namespace({})), HOME, "labels of somebody else's"),
    ],
)
def test_the_project_of_a_workflow(documents, project, because):
    workspace = workspace_of(*documents)
    assert workspace.home(workspace.workflows[0]) == project, because
    assert workspace.only_project() == project


def test_without_a_project_nothing_can_be_resolved():
    workspace = workspace_of(homeless(playbook_workflow()))
    for call in (lambda: workspace.home(workspace.workflows[0]), workspace.only_project):
        with pytest.raises(SpecError) as refused:
            call()
        assert refused.value.reason is Reason.NOT_A_PROJECT
    with pytest.raises(
        SpecError, match=r"^/.*: holds no workflow; give --project tenant/project, or -C"
    ):
        workspace_of().only_project()
