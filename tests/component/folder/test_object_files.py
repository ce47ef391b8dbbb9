"""A folder's files as a workspace."""

import pytest

from chartly.errors import Reason, SpecError
from chartly_folder.object_files import read_workspace
from support.command import sales_folder

WORKFLOW = "workflows/sales-onboard@1.0.0.yaml"


def test_a_folder_of_several_projects_needs_one_to_be_named(tmp_path):
    folder = sales_folder(tmp_path / "sales")
    text = (folder / WORKFLOW).read_text().replace("sales-onboard", "other")
    (folder / "workflows" / "other.yaml").write_text(text.replace("proj-sales", "proj-other"))
    with pytest.raises(SpecError) as caught:
        read_workspace(folder).only_project()
    assert caught.value.reason is Reason.NOT_A_PROJECT
    assert "workflows of 2 projects; give --project" in caught.value.message
    assert str(read_workspace(folder, "a/b").only_project()) == "a/b"
