"""What every command starts from: the folder, its workspace, and the store that options name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chartly_cli.output import Form, Printer
from chartly_cli.store_options import StoreOptions

if TYPE_CHECKING:
    from chartly.api.place import Place
    from chartly_cli.store_binding import FolderBinding, ServerBinding
    from chartly_service.workspace import Workspace


@dataclass(frozen=True)
class Session:
    """The options before the command, and those of the store."""

    directory: Path
    form: Form
    project: str | None
    store: StoreOptions = field(default_factory=StoreOptions)

    @property
    def place(self) -> "Place":
        """The folder, as what a problem is about."""
        from chartly.api.place import Place  # noqa: PLC0415 - --help must be quick

        return Place(object=str(self.directory.resolve()))

    @property
    def printer(self) -> Printer:
        return Printer(self.form)

    def workspace(self, *, may_be_new: bool = False) -> "Workspace":
        """The workspace of the folder.

        Args:
            may_be_new: whether the command creates the folder if it does not exist.

        Raises:
            SpecError: there is no such folder, or the project is not one.
        """
        from chartly_folder.object_files import read_workspace  # noqa: PLC0415 - --help must be quick

        if self.directory.exists() or not may_be_new:
            self._require_folder()
        return read_workspace(self.directory, self.project)

    def _require_folder(self) -> None:
        if self.directory.is_dir():
            return
        why = "is not a folder" if self.directory.exists() else "does not exist"
        raise self.place.refusal(why)

    def binding(self, workspace: "Workspace") -> "FolderBinding | ServerBinding":
        """The store that the options name; without any, the folder's own.

        Raises:
            SpecError: an option or its variable is not usable.
        """
        from chartly_cli.store_access import read_access_options  # noqa: PLC0415 - as above
        from chartly_cli.store_binding import FolderBinding, ServerBinding  # noqa: PLC0415 - as above

        access = read_access_options(self.store)
        return FolderBinding(workspace) if access is None else ServerBinding(access)
