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
            "steps": [_step(step) for step in resolution.steps],
            "profiles": [_profile(resolved) for resolved in resolution.profiles],
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
    """The plan that frozen bytes hold, after they were checked against their digest.

    Raises:
        RunError: ``SnapshotTampered``: the bytes are not those that were frozen.
        SpecError: what they hold cannot run.
    """
    if digest_of(content) != digest:
        raise RunError(
            Reason.SNAPSHOT_TAMPERED,
            f"the frozen inputs have digest {digest_of(content)}, but the run was given {digest}",
        )
    frozen = json.loads(content)
    profiles = [_thawed(one, project) for one in frozen["profiles"]]
    steps = [
        (one["type"], one.get("stream"), parse_reference(one["reference"], project))
        for one in frozen["steps"]
    ]
    return run_plan(project, digest, steps, {one.reference: one for one in profiles})


def _step(step: ResolvedStep) -> dict[str, Json]:
    return {"type": step.type, "stream": step.stream, "reference": str(step.reference)}


def _profile(resolved: ResolvedProfile) -> dict[str, Json]:
    return {
        "reference": str(resolved.reference),
        "foundIn": resolved.found_text,
        "digest": resolved.digest,
        "spec": resolved.profile.written,
    }


def _thawed(one: dict[str, Json], project: Project) -> FrozenProfile:
    reference: Reference = parse_reference(str(one["reference"]), project)
    written = cast("dict[str, Json]", one["spec"])
    place = Place(object=str(reference.profile))
    digest = spec_digest(reference.profile, written, place)
    if digest != one["digest"]:
        raise RunError(
            Reason.SNAPSHOT_TAMPERED,
            f"{reference}: frozen with digest {one['digest']}, but its spec has {digest}",
        )
    model = SPEC_MODELS[reference.profile.kind]
    spec: Spec = parse_model(model, written, place.at("spec"))
    return FrozenProfile(reference, str(one["foundIn"]), digest, spec)
