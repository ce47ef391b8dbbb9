"""A Workflow without its steps: its version, policies, and the digest of the rest."""

from dataclasses import dataclass, field

from chartly.api.run_policy import Deadlines, History, RunRetry, Runtime
from chartly.api.workflow import parse_workflow
from chartly.errors import SpecError
from chartly.plan.digest import canonical, digest_of
from chartly.reconcile.actions import Object
from chartly.reconcile.objects import document_of
from chartly.reconcile.obstacle import Obstacle, refused


@dataclass(frozen=True)
class Policy:
    """How attempts are made: read from the live Workflow, not from a run's frozen inputs."""

    retry: RunRetry = field(default_factory=RunRetry)
    deadlines: Deadlines = field(default_factory=Deadlines)
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class WorkflowContent:
    """A Workflow that parses.

    Attributes:
        title: name and version, as messages quote them.
        digest: of what may not change while the version stays.
    """

    name: str
    version: str
    title: str
    digest: str
    history: History | None
    policy: Policy


def read_content(workflow: Object) -> WorkflowContent | Obstacle:
    """The content of a Workflow, or why it does not parse."""
    try:
        parsed = parse_workflow(document_of(workflow))
        fixed = {name: parsed.written.get(name) for name in ("steps", "parameters")}
        digest = digest_of(canonical(fixed, parsed.place.at("spec")))
    except SpecError as error:
        return refused(error)
    spec = parsed.spec
    policy = Policy(
        spec.retry or RunRetry(), spec.deadlines or Deadlines(), spec.runtime or Runtime()
    )
    return WorkflowContent(parsed.name, parsed.version, str(parsed), digest, spec.history, policy)
