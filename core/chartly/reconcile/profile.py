"""A Profile: is it valid, and is it what its version has always been?"""

from datetime import datetime
from typing import Any

from chartly.api.profile import parse_profile
from chartly.api.reference import ProfileId
from chartly.errors import Reason, SpecError
from chartly.manifests.labels import config_labels
from chartly.names import versions_name
from chartly.plan.digest import profile_digest
from chartly.plan.served import check_served
from chartly.reconcile.actions import Action, ApplyData, Decision, Key
from chartly.reconcile.conditions import READY, Verdict, stamped, told, verdict_conditions
from chartly.reconcile.objects import document_of, generation_of, is_going, key_of, name_of
from chartly.reconcile.project import project_of
from chartly.reconcile.world import ProfileWorld, Settings


def decide_profile(world: ProfileWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a Profile: remember its digest, and say whether it may be used."""
    if is_going(world.profile):
        return Decision()
    digest, verdict, memory = "", READY, None
    try:
        _check_place(world, settings)
        profile = parse_profile(document_of(world.profile))
        check_served(profile.spec, str(profile.id))
        digest = profile_digest(profile)
        memory = _remembered(world, profile.id, digest)
    except SpecError as error:
        verdict = Verdict(error.reason, error.message)
    status: dict[str, Any] = {"observedGeneration": generation_of(world.profile)}
    if digest:
        status["digest"] = digest
    status["conditions"] = stamped(verdict_conditions(verdict), world.profile, now)
    before: tuple[Action, ...] = () if memory is None else (memory,)
    return Decision((*before, *told(world.profile, status, verdict)))


def _check_place(world: ProfileWorld, settings: Settings) -> None:
    namespace = world.namespace
    if namespace is None or name_of(namespace) != settings.global_namespace:
        project_of(namespace, world.claimants)


def _remembered(world: ProfileWorld, profile: ProfileId, digest: str) -> ApplyData | None:
    """What makes the version's digest known for ever; none if it is.

    Raises:
        SpecError: ``DigestConflict``: the version has been seen with another content.
    """
    known = dict((world.versions or {}).get("data") or {})
    earlier = known.get(profile.version)
    if earlier is None:
        place = key_of(world.profile)
        key = Key("ConfigMap", place.namespace, versions_name(profile.kind, profile.name))
        return ApplyData(key, config_labels("versions"), {profile.version: digest})
    if earlier != digest:
        raise SpecError(
            f"{profile}: this version has been seen with digest {earlier}, and now has {digest}; "
            f"give the changed one a new version",
            Reason.DIGEST_CONFLICT,
        )
    return None
