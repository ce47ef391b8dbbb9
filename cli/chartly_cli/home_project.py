"""The one project that a folder's workflows belong to."""

from chartly.api.place import Place
from chartly.api.reference import Project
from chartly.errors import Reason
from chartly_cli.workspace import Workspace


def project_of(workspace: Workspace) -> Project:
    """The project that the folder's workflows belong to.

    Raises:
        SpecError: they belong to several, or it is not said.
    """
    workspace.require_whole()
    if workspace.project is not None:
        return workspace.project
    homes = {workspace.home(workflow) for workflow in workspace.workflows}
    if len(homes) != 1:
        raise Place(object=str(workspace.root)).refusal(
            f"holds workflows of {len(homes)} projects; give --project tenant/project",
            reason=Reason.NOT_A_PROJECT,
        )
    return homes.pop()
