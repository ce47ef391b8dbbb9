"""The input of an attempt's Job: everything that the document is rendered from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chartly.api.reference import Project
from chartly.api.run_policy import Runtime
from chartly.names import API_VERSION

Resources = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Installation:
    """The settings that all attempts of this operator share.

    Attributes:
        spool_bytes: the size limit of the volume that holds the spool.
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
        deadline: seconds after which the cluster ends the attempt.
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
        """The run as owner: its Jobs are deleted with it, and it does not wait for them."""
        return {
            "apiVersion": API_VERSION,
            "kind": "WorkflowRun",
            "name": self.run,
            "uid": self.run_uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
