"""What an attempt is given: everything that its Job says, before it is a document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chartly.api.reference import Project
from chartly.api.run_policy import Runtime
from chartly.names import API_VERSION

Resources = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Installation:
    """What every attempt of this operator is given.

    Attributes:
        spool_bytes: room for pages on their way; the volume's limit.
    """

    connector_image: str
    loader_image: str
    image_pull_policy: str
    grantable_cidrs: Sequence[str]
    connector_resources: Resources
    loader_resources: Resources
    spool_bytes: int


@dataclass(frozen=True)
class AttemptPlan:
    """One attempt of a run.

    Attributes:
        run_id: the run's identity in the store.
        secret: the API's Secret and its key, if the connector needs one.
        deadline: seconds that the attempt may take.
        frozen_at: RFC 3339; the same in every attempt.
        epoch: the number of the run's turn; None where it took none.
    """

    run: str
    run_uid: str
    run_id: str
    namespace: str
    project: Project
    workflow: str
    workflow_version: str
    attempt: int
    config_digest: str
    run_digest: str
    frozen_at: str
    secret: tuple[str, str] | None
    deadline: int
    window: tuple[str, str] | None = None
    epoch: int | None = None
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def owner(self) -> dict[str, Any]:
        """The run as owner: its Jobs go with it, and its deletion does not wait for them."""
        return {
            "apiVersion": API_VERSION,
            "kind": "WorkflowRun",
            "name": self.run,
            "uid": self.run_uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
