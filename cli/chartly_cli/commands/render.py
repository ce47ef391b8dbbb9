"""``chartly render``."""

from pathlib import Path
from typing import Any

import yaml

from chartly.api import profile as profiles
from chartly.api import workflow as workflows
from chartly.api.reference import Project
from chartly.errors import SpecError
from chartly.names import GLOBAL_NAMESPACE, namespace
from chartly_cli.session import Session
from chartly_folder.object_files import read_files
from chartly_service.workspace import Workspace


class _Dumper(yaml.SafeDumper):
    """Block style, long texts as blocks, lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        super().increase_indent(flow, False)  # noqa: FBT003 - same


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)


def render(session: Session, paths: list[Path]) -> None:
    """Prints the custom resources of files, or of the whole folder."""
    folder = session.workspace()
    workspace = read_files(paths, session.directory) if paths else folder
    workspace.require_whole()
    if workspace.runs:
        run = workspace.runs[0]
        raise run.place.refusal("is a custom resource; apply it as it is")
    documents = resources(workspace, folder)
    if not documents:
        raise session.place.refusal("holds no profiles/ and workflows/ to render")
    session.printer.result(documents, to_yaml(documents).removesuffix("\n"))
    if any("namespace" not in document["metadata"] for document in documents):
        session.printer.note("without namespaces: nothing names the project; give --project")


def resources(workspace: Workspace, folder: Workspace) -> list[dict[str, Any]]:
    """The custom resources of a workspace, in the namespace of its folder's project."""
    home = _home(folder)
    place = namespace(home.tenant, home.project) if home else None
    documents: list[dict[str, Any]] = [
        profiles.as_resource(profile, GLOBAL_NAMESPACE if shared else profile.namespace or place)
        for shared, profile in workspace.profiles
    ]
    documents += [
        workflows.as_resource(workflow, workflow.namespace or place)
        for workflow in workspace.workflows
    ]
    return documents


def _home(folder: Workspace) -> Project | None:
    homes = set()
    for workflow in folder.workflows:
        try:
            homes.add(folder.home(workflow))
        except SpecError:
            continue
    return homes.pop() if len(homes) == 1 else folder.project


def to_yaml(documents: list[dict[str, Any]]) -> str:
    """Documents as YAML, the same on every machine."""
    return str(yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=100))
