"""Snapshots: the frozen, hashed inputs of runs (INV-3: nothing runs that is not frozen)."""

import json
from dataclasses import dataclass
from typing import cast

from chartly.api.diagnosis import parse_model
from chartly.api.documents import Json
from chartly.api.place import Place
from chartly.api.profile import SPEC_MODELS, Spec
from chartly.api.reference import Project, Reference, parse_reference
from chartly.errors import Reason, RunError
from chartly.plan.digest import canonical, digest_of, spec_digest
from chartly.plan.resolve import Resolution, ResolvedProfile, ResolvedStep
from chartly.plan.runplan import FrozenProfile, RunPlan, run_plan

MAX_SNAPSHOT_BYTES = 900 * 1024


@dataclass(frozen=True)
class Snapshot:
    """Canonical bytes and their digest, which is the config digest."""

    content: bytes
    digest: str


def freeze(resolution: Resolution) -> Snapshot:
    """The snapshot of a resolution.

    Raises:
        SpecError: ``SnapshotTooLarge``.
    """
    place = resolution.workflow.place
    content = canonical(
        {
            "steps": [_step_document(step) for step in resolution.steps],
            "profiles": [_profile_document(profile) for profile in resolution.profiles],
        },
        place,
    )
    if len(content) > MAX_SNAPSHOT_BYTES:
        raise place.refusal(
            f"the frozen inputs take {len(content)} bytes; allowed are {MAX_SNAPSHOT_BYTES}",
            reason=Reason.SNAPSHOT_TOO_LARGE,
        )
    return Snapshot(content, digest_of(content))


def thaw(content: bytes, digest: str, project: Project) -> RunPlan:
    """The plan of frozen bytes, which are checked against their digest first.

    Raises:
        RunError: ``SnapshotTampered``: the bytes are not those that were frozen.
        SpecError: they contain a plan that cannot run.
    """
    if digest_of(content) != digest:
        raise RunError(
            Reason.SNAPSHOT_TAMPERED,
            f"the frozen inputs have digest {digest_of(content)}, but the run was given {digest}",
        )
    frozen = json.loads(content)
    profiles = [_thawed(document, project) for document in frozen["profiles"]]
    steps = [
        (step["type"], step.get("stream"), parse_reference(step["reference"], project))
        for step in frozen["steps"]
    ]
    return run_plan(project, digest, steps, {profile.reference: profile for profile in profiles})


def _step_document(step: ResolvedStep) -> dict[str, Json]:
    return {"type": step.type, "stream": step.stream, "reference": str(step.reference)}


def _profile_document(resolved: ResolvedProfile) -> dict[str, Json]:
    return {
        "reference": str(resolved.reference),
        "foundIn": resolved.found_text,
        "digest": resolved.digest,
        "spec": resolved.profile.written,
    }


def _thawed(document: dict[str, Json], project: Project) -> FrozenProfile:
    reference: Reference = parse_reference(str(document["reference"]), project)
    written = cast("dict[str, Json]", document["spec"])
    place = Place(object=str(reference.profile))
    digest = spec_digest(reference.profile, written, place)
    if digest != document["digest"]:
        raise RunError(
            Reason.SNAPSHOT_TAMPERED,
            f"{reference}: frozen with digest {document['digest']}, but its spec has {digest}",
        )
    model = SPEC_MODELS[reference.profile.kind]
    spec: Spec = parse_model(model, written, place.at("spec"))
    return FrozenProfile(reference, str(document["foundIn"]), digest, spec)
