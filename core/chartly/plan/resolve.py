"""From a workflow's references to the profiles that they name, pinned by digest."""

from collections.abc import Iterator
from dataclasses import dataclass

from chartly.api.profile import Profile
from chartly.api.reference import Project, Reference, parse_reference
from chartly.api.suggestion import one_of
from chartly.api.workflow import (
    ORDER_SAYS,
    START_SAYS,
    STEP_KINDS,
    STREAM_SAYS,
    StepType,
    Workflow,
    WrittenStep,
    takes_kind_says,
)
from chartly.errors import Reason, SpecError
from chartly.names import GLOBAL
from chartly.plan.catalog import Profiles


@dataclass(frozen=True)
class ResolvedStep:
    """A step in normal form: what both spellings and the digests agree on."""

    type: StepType
    stream: str | None
    reference: Reference


@dataclass(frozen=True)
class ResolvedProfile:
    """What a reference resolved to."""

    reference: Reference
    found_in: Project | None
    digest: str
    profile: Profile

    @property
    def found_text(self) -> str:
        return str(self.found_in or GLOBAL)


@dataclass(frozen=True)
class Resolution:
    """A workflow with every reference resolved; profiles in the order of first use."""

    workflow: Workflow
    project: Project
    steps: tuple[ResolvedStep, ...]
    profiles: tuple[ResolvedProfile, ...]


def resolve(workflow: Workflow, profiles: Profiles, home: Project) -> Resolution:
    """Resolves every enabled step of ``workflow`` in the project ``home``.

    Raises:
        SpecError: a reference is malformed, names another project, or names nothing that exists;
            or the steps stand in an order that cannot run.
    """
    steps: list[ResolvedStep] = []
    for position, written in enumerate(workflow.steps):
        where = f"{workflow}: steps[{position}]"
        step = _normal(written, home, where)
        if written.enabled:
            steps.append(step)
    _check_order(steps, str(workflow))
    found = {step.reference: _look_up(step, profiles, str(workflow)) for step in steps}
    return Resolution(workflow, home, tuple(steps), tuple(found.values()))


def step_problems(workflow: Workflow) -> Iterator[str]:
    """What is wrong with a workflow's steps whatever profiles there are, a sentence for each."""
    nowhere = Project("", "")
    steps: list[ResolvedStep] = []
    for position, written in enumerate(workflow.steps):
        where = f"{workflow}: steps[{position}]"
        try:
            step = _of_its_kind(written, parse_reference(written.reference, nowhere), where)
        except SpecError as error:
            named = error.message.startswith(where)
            yield error.message if named else f"{where}: {error.message}"
            continue
        if written.enabled:
            steps.append(step)
    if len(steps) == sum(one.enabled for one in workflow.steps):
        try:
            _check_order(steps, str(workflow))
        except SpecError as error:
            yield error.message


def homes(workflow: Workflow) -> set[Project]:
    """The projects that the workflow's own references name."""
    nowhere = Project("", "")
    references = (parse_reference(step.reference, nowhere) for step in workflow.steps)
    return {reference.scope for reference in references if reference.scope not in (None, nowhere)}


def _normal(written: WrittenStep, home: Project, where: str) -> ResolvedStep:
    try:
        reference = parse_reference(written.reference, home)
    except SpecError as error:
        raise SpecError(f"{where}: {error.message}", error.reason) from None
    if reference.scope not in (None, home):
        raise SpecError(
            f"{where}: {written.reference!r} names project {reference.scope}, but the workflow "
            f"belongs to {home}; what projects share stands in `global`",
            Reason.CROSS_PROJECT_REFERENCE,
        )
    return _of_its_kind(written, reference, where)


def _of_its_kind(written: WrittenStep, reference: Reference, where: str) -> ResolvedStep:
    if reference.profile.kind != STEP_KINDS[written.type]:
        raise SpecError(f"{where}: {takes_kind_says(written.type)}, not {written.reference!r}")
    return ResolvedStep(written.type, written.stream, reference)


def _look_up(step: ResolvedStep, profiles: Profiles, where: str) -> ResolvedProfile:
    reference = step.reference
    found = profiles.find(reference.scope, reference.profile)
    if found is None:
        hint = one_of(str(reference.profile), profiles.names(reference.scope))
        raise SpecError(
            f"{where}: profile {str(reference)!r} is not there; {hint}", Reason.PROFILE_NOT_FOUND
        )
    return ResolvedProfile(reference, found.scope, found.digest, found.profile)


def _check_order(steps: list[ResolvedStep], where: str) -> None:
    """One connector_sync; then normalize and write_dataset in pairs; then analytics_query."""
    types = [step.type for step in steps]
    start = _analytics_start(types)
    pairs, queries = types[1:start], types[start:]
    if types[:1] != ["connector_sync"] or types.count("connector_sync") != 1:
        raise SpecError(f"{where}: steps: {START_SAYS}")
    paired = pairs == ["normalize", "write_dataset"] * (len(pairs) // 2)
    if not pairs or not paired or set(queries) - {"analytics_query"}:
        raise SpecError(f"{where}: steps: {ORDER_SAYS}; here they are {', '.join(types)}")
    streams = [(one.stream, two.stream) for one, two in zip(steps[1::2], steps[2::2], strict=False)]
    for position, (one, two) in enumerate(streams[: len(pairs) // 2]):
        if one != two:
            raise SpecError(
                f"{where}: pair {position + 1}: stream {one!r} is not {two!r}; {STREAM_SAYS}"
            )


def _analytics_start(types: list[StepType]) -> int:
    return next((i for i, name in enumerate(types) if name == "analytics_query"), len(types))
