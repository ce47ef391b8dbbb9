"""The playbook's objects as a workspace, without a folder."""

from pathlib import Path

from chartly.api.documents import Document
from chartly_service.workspace import Workspace
from support.profiles import PLAYBOOK, document, playbook_workflow


def playbook_workspace(*more: Document, root: Path = Path("sales")) -> Workspace:
    """The playbook's profiles and workflow, and then these documents."""
    workspace = Workspace(root)
    for path in sorted((PLAYBOOK / "profiles").iterdir()):
        workspace.add(document(path), shared=False)
    for each in (playbook_workflow(), *more):
        workspace.add(each, shared=False)
    workspace.check_versions()
    return workspace
