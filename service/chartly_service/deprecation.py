"""Marks a profile version as deprecated; its digest stays."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from chartly.api.profile import Profile
from chartly.plan.digest import profile_digest
from chartly_service.teardown import RecordingProject


class ProfileFiles(Protocol):
    """The files of profiles."""

    def deprecate(self, profile: Profile, because: str) -> bool:
        """Marks a profile; returns whether that changed anything.

        Raises:
            SpecError: it cannot be edited.
        """
        ...


def deprecate(
    profile: Profile,
    because: str,
    files: ProfileFiles,
    project: RecordingProject | None,
    now: Callable[[], datetime],
) -> None:
    """Marks the profile, and records it where there is an audit trail.

    Args:
        project: None where nothing was ever stored for it.
    """
    if profile.deprecated != because:
        files.deprecate(profile, because)
    if project is not None:
        reference, digest = str(profile.id), profile_digest(profile)
        data = {"reference": reference, "digest": digest, "because": because}
        project.record("profile.deprecated", data, now)
