"""``chartly resolve`` and ``chartly digest``."""

from chartly.api.place import Place
from chartly.api.suggestion import one_of
from chartly.errors import Reason
from chartly.plan.digest import profile_digest, run_digest
from chartly_cli.output import pairs, table
from chartly_cli.session import Session


def resolve(session: Session, name: str) -> None:
    """Prints where each reference of a workflow was found, and its digest."""
    workspace = session.workspace()
    frozen = workspace.freeze(workspace.workflow(name))
    resolution = frozen.resolution
    rows = [[str(one.reference), one.found_text, one.digest] for one in resolution.profiles]
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


def digest(session: Session, what: str | None) -> None:
    """Prints the digests of all profiles, of one, or of a workflow's frozen inputs."""
    workspace = session.workspace()
    workspace.require_whole()
    digests = {str(one.id): profile_digest(one) for _, one in workspace.profiles}
    if what is None:
        session.printer.result(digests, pairs(digests))
        return
    if "@" in what:
        key = what.rpartition("::")[2]
        if key not in digests:
            raise Place(object="profile").refusal(
                f"is not in {session.directory}; {one_of(key, digests)}",
                value=what,
                allowed=digests,
                reason=Reason.PROFILE_NOT_FOUND,
            )
        session.printer.result({key: digests[key]}, digests[key])
        return
    frozen = workspace.freeze(workspace.workflow(what))
    found = {
        **{str(one.reference.profile): one.digest for one in frozen.resolution.profiles},
        "config": frozen.snapshot.digest,
        "run": run_digest(frozen.snapshot.digest, {}, None),
    }
    session.printer.result(found, pairs(found))
