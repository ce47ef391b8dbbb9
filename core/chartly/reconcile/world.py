"""The input of a decision: objects as they were last seen, and the operator's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chartly.reconcile.actions import Object
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.preparations import Preparations
from chartly.reconcile.reachable_profiles import ReachableProfiles
from chartly.reconcile.turn import Holder
from chartly.reconcile.workflow_content import Policy


@dataclass(frozen=True)
class Settings:
    """The operator's settings that decisions read; times in seconds.

    Attributes:
        grantable_cidrs: private ranges that a connector may reach if its profile requests them.
        job_ttl: how long a Job is kept after its outcome was recorded.
        free_attempts: the most replacements of attempts that infrastructure ended.
    """

    connector_image: str
    loader_image: str
    global_namespace: str = "chartly-global"
    image_pull_policy: str = "IfNotPresent"
    grantable_cidrs: tuple[str, ...] = ()
    connector_resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    loader_resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spool_bytes: int = 256 * 1024 * 1024
    pending_deadline: int = 600
    run_deadline: int = 86_400
    job_ttl: int = 3_600
    free_attempts: int = 5


@dataclass(frozen=True)
class ProfileWorld:
    """A Profile.

    Attributes:
        namespace: of the profile; None if it was not seen (yet).
        claimants: every namespace with the same tenant and project labels, its own included.
        versions: the ConfigMap that records digests, if it exists.
    """

    profile: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    versions: Object | None


@dataclass(frozen=True)
class WorkflowWorld:
    """A Workflow.

    Attributes:
        reachable: the Profiles that it can reach.
        others: every other Workflow of its namespace.
        runs: every WorkflowRun of it, finished or not.
        preparations: Workflows that were prepared before.
    """

    workflow: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    reachable: ReachableProfiles
    others: tuple[Object, ...]
    runs: tuple[Object, ...]
    versions: Object | None
    preparations: Preparations = field(default_factory=Preparations)


@dataclass(frozen=True)
class RunWorld:
    """A WorkflowRun.

    Attributes:
        workflow: the one that it names, if it exists.
        reachable: the Profiles that its Workflow can reach.
        rivals: the other WorkflowRuns of that Workflow that are not finished.
        jobs: its Jobs; pods: theirs. Where the status records a Job that is not among them, a
            read of the API server confirmed its absence.
        frozen: whether the ConfigMap of its frozen inputs exists.
        holders: the runs that the Workflow's status names as active.
        preparations: Workflows that were prepared before.
    """

    run: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    workflow: Object | None
    reachable: ReachableProfiles
    rivals: tuple[Object, ...]
    jobs: tuple[Object, ...]
    pods: tuple[Object, ...]
    frozen: bool
    holders: tuple[Holder, ...] = ()
    preparations: Preparations = field(default_factory=Preparations)

    @property
    def policy(self) -> Policy:
        """The workflow's policy; the defaults where it is gone or does not parse."""
        if self.workflow is None:
            return Policy()
        content = self.preparations.content(self.workflow)
        # Where it does not parse, the workflow's own Ready condition has the reason.
        return Policy() if isinstance(content, Obstacle) else content.policy
