"""``chartly deprecate``."""

import re
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from chartly.api.documents import parse_documents
from chartly.api.profile import Profile, parse_profile
from chartly.api.suggestion import one_of
from chartly.errors import Bug, Reason, SpecError
from chartly.evidence.event import Source
from chartly.names import DEPRECATED_ANNOTATION
from chartly.plan.digest import profile_digest
from chartly_cli.runs import write_durably
from chartly_cli.session import Session
from chartly_cli.stored import Stored, project_of, stored
from chartly_cli.workspace import Workspace

_METADATA = re.compile(r"^metadata:[ \t]*\n(?P<indent>[ ]+)", re.MULTILINE)


def deprecate(session: Session, reference: str, because: str) -> None:
    """Writes the annotation into the profile's file and records it."""
    workspace = session.workspace()
    workspace.require_whole()
    wanted = reference.rpartition("::")[2]
    profiles = {str(one.id): one for _, one in workspace.profiles}
    if wanted not in profiles:
        raise SpecError(
            f"profile {reference!r} is not in {session.directory}; {one_of(wanted, profiles)}",
            Reason.PROFILE_NOT_FOUND,
        )
    profile = profiles[wanted]
    with ExitStack() as stack:
        # The store first: what it cannot record is not done.
        found = _opened(stack, workspace)
        if profile.deprecated != because:
            annotate(session.directory / profile.source, profile, because)
        if found is not None:
            data = {"reference": wanted, "digest": profile_digest(profile), "because": because}
            found.audit.append_project(
                [("profile.deprecated", data)],
                Source(found.store.project),
                lambda: datetime.now(UTC),
            )
    document = {"profile": wanted, "deprecated": because, "recorded": found is not None}
    session.printer.result(document, f"{wanted} is deprecated: {because}")
    if found is None:
        session.printer.note("not recorded in an audit trail: nothing has run here")


def _opened(stack: ExitStack, workspace: Workspace) -> Stored | None:
    """The project's store; none where nothing has run."""
    if not (workspace.state / "store").is_dir():
        return None
    return stack.enter_context(stored(workspace, project_of(workspace)))


def annotate(path: Path, profile: Profile, because: str) -> None:
    """Puts the annotation into a file and leaves the rest of its text as it is.

    Raises:
        SpecError: the file has a shape that cannot be edited so.
    """
    text = path.read_text(encoding="utf-8")
    found = _METADATA.search(text)
    simple = found is not None and text.count("\nmetadata:") + text.startswith("metadata:") == 1
    if found is None or not simple or "annotations:" in text or profile.deprecated is not None:
        raise SpecError(
            f"{path}: cannot be edited safely; add the annotation "
            f"{DEPRECATED_ANNOTATION}: {because!r} by hand"
        )
    quoted = because.replace("\\", "\\\\").replace('"', '\\"')
    line = f'annotations: {{{DEPRECATED_ANNOTATION}: "{quoted}"}}\n{found["indent"]}'
    edited = text[: found.end()] + line + text[found.end() :]
    again = parse_profile(parse_documents(edited, str(path))[0])
    if again.deprecated != because or profile_digest(again) != profile_digest(profile):
        raise Bug(f"{path}: deprecating it would have changed more")
    write_durably(path, edited.encode())
