"""What a decision may look at: objects as they were last seen, and the operator's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from chartly.api.workflow import Deadlines, RunRetry, Runtime, parse_workflow
from chartly.errors import SpecError
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import document_of
from chartly.reconcile.turn import Holder


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
class Policy:
    """What a workflow says of attempts now; it may change while a run is under way."""

    retry: RunRetry = field(default_factory=RunRetry)
    deadlines: Deadlines = field(default_factory=Deadlines)
    runtime: Runtime = field(default_factory=Runtime)


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
        profiles: every Profile of its namespace, and every one of the global namespace.
        others: every other Workflow of its namespace.
        runs: every WorkflowRun of it, finished or not.
    """

    workflow: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    profiles: tuple[Object, ...]
    shared: tuple[Object, ...]
    others: tuple[Object, ...]
    runs: tuple[Object, ...]
    versions: Object | None


@dataclass(frozen=True)
class RunWorld:
    """A WorkflowRun.

    Attributes:
        workflow: the one that it names, if it is there.
        profiles: every Profile of its namespace; shared: every one of the global namespace.
        siblings: the other WorkflowRuns of that Workflow.
        jobs: its Jobs; pods: theirs. Where the status records a Job that is not among them, its
            absence was confirmed by asking the API server.
        frozen: whether the ConfigMap of its frozen inputs is there.
        holders: the runs that the Workflow names as active.
    """

    run: Object
    namespace: Object | None
    claimants: tuple[Object, ...]
    workflow: Object | None
    profiles: tuple[Object, ...]
    shared: tuple[Object, ...]
    siblings: tuple[Object, ...]
    jobs: tuple[Object, ...]
    pods: tuple[Object, ...]
    frozen: bool
    holders: tuple[Holder, ...] = ()

    @cached_property
    def policy(self) -> Policy:
        """The workflow's policy; the defaults where it is gone or cannot be read."""
        if self.workflow is None:
            return Policy()
        try:
            spec = parse_workflow(document_of(self.workflow)).spec
        except SpecError:
            return Policy()  # the workflow's own Ready condition tells why
        return Policy(
            spec.retry or RunRetry(), spec.deadlines or Deadlines(), spec.runtime or Runtime()
        )
