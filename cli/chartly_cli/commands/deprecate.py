"""``chartly deprecate``."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chartly.api.place import Place
from chartly.api.reference import suggestion_of_kind
from chartly.errors import Reason, RunError
from chartly_cli.session import Session
from chartly_folder.domain_files import WorkspaceFiles
from chartly_service.deprecation import deprecate as mark
from chartly_service.workspace import Workspace

if TYPE_CHECKING:
    from chartly_cli.store_binding import Binding
    from chartly_store.stored_project import EngineProject


def deprecate(session: Session, reference: str, because: str) -> None:
    """Writes the annotation into the profile's file and records it."""
    workspace = session.workspace()
    workspace.require_whole()
    wanted = reference.rpartition("::")[2]
    profiles = {str(profile.id): profile for _, profile in workspace.profiles}
    if wanted not in profiles:
        raise Place(object="profile").refusal(
            f"is not in {session.directory.resolve()}; {suggestion_of_kind(wanted, profiles)}",
            value=reference,
            allowed=profiles,
            reason=Reason.PROFILE_NOT_FOUND,
        )
    binding = session.binding(workspace)
    with ExitStack() as stack:
        # The store first: what it cannot record is not done.
        project = _opened(stack, workspace, binding)
        files = WorkspaceFiles(workspace, binding.record)
        mark(profiles[wanted], because, files, project, lambda: datetime.now(UTC))
    document = {"profile": wanted, "deprecated": because, "recorded": project is not None}
    session.printer.result(document, f"{wanted} is deprecated: {because}")
    if project is None:
        session.printer.note("not recorded in an audit trail: nothing has run here")


def _opened(stack: ExitStack, workspace: Workspace, binding: "Binding") -> "EngineProject | None":
    """The project's store; None where nothing has run."""
    if binding.is_absent:
        return None
    try:
        return stack.enter_context(binding.opened(workspace.only_project()))
    except RunError as error:
        if error.reason is Reason.PREREQUISITE_MISSING:
            return None
        raise
