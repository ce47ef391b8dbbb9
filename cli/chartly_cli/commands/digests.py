"""``chartly resolve`` and ``chartly digest``."""

from chartly.api.place import Place
from chartly.api.reference import suggestion_of_kind
from chartly.errors import Reason
from chartly.plan.digest import profile_digest, run_digest
from chartly_cli.output import pairs, table
from chartly_cli.session import Session


def resolve(session: Session, name: str) -> None:
    """Prints where each reference of a workflow was found, and its digest."""
    workspace = session.workspace()
    frozen = workspace.freeze(workspace.workflow(name))
    resolution = frozen.resolution
    rows = [
        [str(profile.reference), profile.found_text, profile.digest]
        for profile in resolution.profiles
    ]
    document = {
        "workflow": f"{resolution.workflow.name}@{resolution.workflow.version}",
        "project": str(resolution.project),
        "configDigest": frozen.snapshot.digest,
        "steps": [
            {"type": step.type, "reference": str(step.reference)} for step in resolution.steps
        ],
        "profiles": [
            dict(zip(("reference", "foundIn", "digest"), row, strict=True)) for row in rows
        ],
    }
    text = table(["reference", "found in", "digest"], rows)
    session.printer.result(document, f"{text}\n\nconfig digest  {frozen.snapshot.digest}")


def digest(session: Session, subject: str | None) -> None:
    """Prints the digests of all profiles, of one, or of a workflow's frozen inputs."""
    workspace = session.workspace()
    workspace.require_whole()
    digests = {str(profile.id): profile_digest(profile) for _, profile in workspace.profiles}
    if not digests:
        raise workspace.place.refusal(f"holds no profile{workspace.hint}")
    if subject is None:
        session.printer.result(digests, pairs(digests))
        return
    if "@" in subject:
        key = subject.rpartition("::")[2]
        if key not in digests:
            raise Place(object="profile").refusal(
                f"is not in {session.directory.resolve()}; {suggestion_of_kind(key, digests)}",
                value=subject,
                allowed=digests,
                reason=Reason.PROFILE_NOT_FOUND,
            )
        session.printer.result({key: digests[key]}, digests[key])
        return
    frozen = workspace.freeze(workspace.workflow(subject))
    frozen_digests = {
        **{
            str(profile.reference.profile): profile.digest for profile in frozen.resolution.profiles
        },
        "config": frozen.snapshot.digest,
        "run": run_digest(frozen.snapshot.digest, {}, None),
    }
    session.printer.result(frozen_digests, pairs(frozen_digests))
