"""Changes the files of a workspace for use cases."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chartly.api.documents import parse_documents
from chartly.api.place import Place
from chartly.api.profile import Profile, parse_profile
from chartly.api.workflow import Workflow, as_resource
from chartly.errors import Bug
from chartly.names import DEPRECATED_ANNOTATION
from chartly.plan.digest import profile_digest
from chartly_folder.durable_file import write_durably
from chartly_folder.object_files import read_files
from chartly_folder.run_folder import RunFolders
from chartly_folder.state_folder import state_folder
from chartly_service.runs import end_as_killed, unfinished_runs
from chartly_service.workspace import Workspace

_METADATA = re.compile(r"^metadata:[ \t]*\n(?P<indent>[ ]+)", re.MULTILINE)
_RECORDS = "teardown"
"""The folder of unfinished teardowns: a workflow's file may be gone before its rows are."""


@dataclass(frozen=True)
class WorkspaceFiles:
    """The files and run folders of a workspace.

    Attributes:
        store: how the intents of runs name the store whose runs a teardown ends.
    """

    workspace: Workspace
    store: str

    @property
    def _records(self) -> Path:
        return self.workspace.state / _RECORDS

    def add_unfinished_teardowns(self) -> None:
        """Adds the workflows whose teardown has begun and has not ended."""
        begun = read_files(sorted(self._records.glob("[!.]*")), self.workspace.root)
        names = {workflow.name for workflow in self.workspace.workflows}
        self.workspace.workflows += [each for each in begun.workflows if each.name not in names]
        self.workspace.problems += begun.problems

    def begin(self, workflow: Workflow) -> None:
        """Keeps what a teardown needs to be continued after its workflow is gone."""
        folder = state_folder(self.workspace) / _RECORDS
        folder.mkdir(exist_ok=True)
        document = as_resource(workflow, workflow.namespace)
        write_durably(folder / f"{workflow.name}.json", json.dumps(document, indent=2).encode())

    def end(self, workflow: Workflow) -> None:
        """Drops what ``begin`` kept; the records of other teardowns stay."""
        for path in self._records.glob("[!.]*"):
            begun = read_files([path], self.workspace.root).workflows
            if any(each.name == workflow.name for each in begun):
                path.unlink()
        with suppress(OSError):
            self._records.rmdir()

    def others(self, workflow: Workflow) -> Sequence[Workflow]:
        """The workflows beside this one."""
        return [other for other in self.workspace.workflows if other.name != workflow.name]

    def remove(self, workflow: Workflow) -> bool:
        """Removes a workflow's file; returns whether there was one.

        Raises:
            SpecError: the file holds other objects, too.
        """
        path = self.workspace.root / workflow.source
        if path.parent == self._records:
            return False
        sources = [other.source for other in self.others(workflow)]
        sources += [profile.source for _, profile in self.workspace.profiles]
        if workflow.source in sources:
            why = "holds other objects, too; take the workflow out of it by hand"
            raise Place(object=str(path)).refusal(why)
        path.unlink()
        return True

    def end_runs(self, workflow: Workflow) -> None:
        """Ends runs that were cut off: none continues once the rows of its first pages are gone."""
        folders = RunFolders(self.workspace.state)
        for run in unfinished_runs(folders, workflow.name, self.store):
            end_as_killed(run, "cut off, then torn down")

    def deprecate(self, profile: Profile, because: str) -> bool:
        """Puts the annotation into a file and leaves the rest of its text as it is.

        Raises:
            SpecError: the file has a shape that cannot be edited so.
        """
        if profile.deprecated == because:
            return False
        path = self.workspace.root / profile.source
        text = path.read_text(encoding="utf-8")
        header = _METADATA.search(text)
        is_single = text.count("\nmetadata:") + text.startswith("metadata:") == 1
        is_annotated = "annotations:" in text or profile.deprecated is not None
        if header is None or not is_single or is_annotated:
            raise Place(object=str(path)).refusal(
                f"cannot be edited safely; add the annotation {DEPRECATED_ANNOTATION}: "
                f"{because!r} by hand"
            )
        quoted = because.replace("\\", "\\\\").replace('"', '\\"')
        line = f'annotations: {{{DEPRECATED_ANNOTATION}: "{quoted}"}}\n{header["indent"]}'
        edited = text[: header.end()] + line + text[header.end() :]
        again = parse_profile(parse_documents(edited, str(path))[0])
        if again.deprecated != because or profile_digest(again) != profile_digest(profile):
            raise Bug(f"{path}: deprecating it would have changed more")
        write_durably(path, edited.encode())
        return True
