"""What a decision may look at: objects as they were last seen, and the operator's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chartly.reconcile.actions import Object
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.preparations import Preparations
from chartly.reconcile.profiles import Shelf
from chartly.reconcile.turn import Holder
from chartly.reconcile.workflow_content import Policy


@dataclass(frozen=True)
class Settings:
    """What the operator was installed with; times in seconds.

    Attributes:
        grantable_cidrs: private ranges that connectors may be let into, if their profile asks.
        job_ttl: how long a Job is kept after its outcome was recorded.
        free_attempts: replacements of attempts that infrastructure ended, at most.
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
        namespace: of the profile; None if it is not known (yet).
        claimants: every namespace with the same tenant and project labels, this one included.
        versions: the ConfigMap that remembers digests, if there is one.
    """

    profile: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    versions: Object | None


@dataclass(frozen=True)
class WorkflowWorld:
    """A Workflow.

    Attributes:
        shelf: the Profiles that it can reach.
        others: every other Workflow of its namespace.
        runs: every WorkflowRun of it, finished or not.
        preparations: what was prepared before.
    """

    workflow: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    shelf: Shelf
    others: tuple[Object, ...]
    runs: tuple[Object, ...]
    versions: Object | None
    preparations: Preparations = field(default_factory=Preparations)


@dataclass(frozen=True)
class RunWorld:
    """A WorkflowRun.

    Attributes:
        workflow: the one that it names, if it is there.
        shelf: the Profiles that its Workflow can reach.
        rivals: the other WorkflowRuns of that Workflow that are not finished.
        jobs: its Jobs; pods: theirs. Where the status records a Job that is not among them, its
            absence was confirmed by asking the API server.
        frozen: whether the ConfigMap of its frozen inputs is there.
        holders: the runs that the Workflow names as active.
        preparations: what was prepared before.
    """

    run: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    workflow: Object | None
    shelf: Shelf
    rivals: tuple[Object, ...]
    jobs: tuple[Object, ...]
    pods: tuple[Object, ...]
    frozen: bool
    holders: tuple[Holder, ...] = ()
    preparations: Preparations = field(default_factory=Preparations)

    @property
    def policy(self) -> Policy:
        """The workflow's policy; the defaults where it is gone or cannot be read."""
        if self.workflow is None:
            return Policy()
        content = self.preparations.content(self.workflow)
        # Where it cannot be read, the workflow's own Ready condition tells why.
        return Policy() if isinstance(content, Obstacle) else content.policy
