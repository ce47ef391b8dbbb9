"""Resolves a workflow's references to profiles, pinned by digest."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chartly.api.place import Place
from chartly.api.profile import Profile
from chartly.api.reference import Project, Reference, parse_reference, suggestion_of_kind
from chartly.api.workflow import Workflow
from chartly.api.workflow_step import (
    ORDER_MESSAGE,
    START_MESSAGE,
    STEP_KINDS,
    STREAM_MESSAGE,
    StepType,
    WrittenStep,
    takes_kind_message,
)
from chartly.errors import Problem, Reason, SpecError
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

    @contextmanager
    def locating(self) -> Iterator[None]:
        """Adds file and line to the problems of its profiles that are raised inside."""
        try:
            yield
        except SpecError as error:
            raise SpecError(map(self._located, error.problems)) from None

    def _located(self, problem: Problem) -> Problem:
        profiles = (resolved.profile for resolved in self.profiles)
        profile = next((p for p in profiles if str(p.id) == problem.object), None)
        return problem if profile is None or problem.source else profile.located(problem)


def resolve(workflow: Workflow, profiles: Profiles, home: Project) -> Resolution:
    """Resolves every enabled step of ``workflow`` in the project ``home``.

    Raises:
        SpecError: a reference is malformed, names another project, or names no existing profile;
            or the steps have an order that cannot run.
    """
    steps: list[ResolvedStep] = []
    places: dict[Reference, Place] = {}
    for position, written in enumerate(workflow.steps):
        step = _resolved_step(written, home, workflow.step_place(position))
        if written.enabled:
            steps.append(step)
            places.setdefault(step.reference, workflow.step_place(position))
    _check_order(steps, workflow.place.at("spec", "steps"))
    resolved = [_look_up(reference, profiles, place) for reference, place in places.items()]
    return Resolution(workflow, home, tuple(steps), tuple(resolved))


def step_problems(workflow: Workflow) -> Iterator[Problem]:
    """The problems of a workflow's steps that do not depend on profiles."""
    nowhere = Project("", "")
    steps: list[ResolvedStep] = []
    for position, written in enumerate(workflow.steps):
        place = workflow.step_place(position)
        try:
            reference = parse_reference(written.reference, nowhere, place)
            step = _step_of_kind(written, reference, place)
        except SpecError as error:
            yield from error.problems
            continue
        if written.enabled:
            steps.append(step)
    if len(steps) == sum(step.enabled for step in workflow.steps):
        try:
            _check_order(steps, workflow.place.at("spec", "steps"))
        except SpecError as error:
            yield from error.problems


def homes(workflow: Workflow) -> set[Project]:
    """The projects that the workflow's own references name."""
    nowhere = Project("", "")
    references = (parse_reference(step.reference, nowhere) for step in workflow.steps)
    return {reference.scope for reference in references if reference.scope not in (None, nowhere)}


def _resolved_step(written: WrittenStep, home: Project, place: Place) -> ResolvedStep:
    reference = parse_reference(written.reference, home, place)
    if reference.scope not in (None, home):
        raise place.refusal(
            f"names project {reference.scope}, but the workflow belongs to {home}; what projects "
            "share stands in `global`",
            value=written.reference,
            reason=Reason.CROSS_PROJECT_REFERENCE,
        )
    return _step_of_kind(written, reference, place)


def _step_of_kind(written: WrittenStep, reference: Reference, place: Place) -> ResolvedStep:
    kind = STEP_KINDS[written.type]
    if reference.profile.kind != kind:
        why = f"names a {reference.profile.kind} profile; {takes_kind_message(written.type)}"
        raise place.refusal(why, value=written.reference, allowed=(kind,))
    return ResolvedStep(written.type, written.stream, reference)


def _look_up(reference: Reference, profiles: Profiles, place: Place) -> ResolvedProfile:
    entry = profiles.find(reference.scope, reference.profile)
    if entry is None:
        names = profiles.names(reference.scope)
        raise place.refusal(
            f"is not there; {suggestion_of_kind(str(reference.profile), names)}",
            value=str(reference),
            allowed=names,
            reason=Reason.PROFILE_NOT_FOUND,
        )
    return ResolvedProfile(reference, entry.scope, entry.digest, entry.profile)


def _check_order(steps: list[ResolvedStep], place: Place) -> None:
    """One connector_sync; then normalize and write_dataset in pairs; then analytics_query."""
    types = [step.type for step in steps]
    start = _analytics_start(types)
    pairs, queries = types[1:start], types[start:]
    if types[:1] != ["connector_sync"] or types.count("connector_sync") != 1:
        raise place.refusal(START_MESSAGE)
    paired = pairs == ["normalize", "write_dataset"] * (len(pairs) // 2)
    if not pairs or not paired or set(queries) - {"analytics_query"}:
        raise place.refusal(f"{ORDER_MESSAGE}; here they are {', '.join(types)}")
    _check_streams(steps[1:start], place)


def _check_streams(steps: list[ResolvedStep], place: Place) -> None:
    """Both steps of a pair name the same stream."""
    pairs = zip(steps[::2], steps[1::2], strict=True)
    for number, (normalize, write) in enumerate(pairs, 1):
        if normalize.stream != write.stream:
            names = f"{_stream_label(normalize.stream)} is not {_stream_label(write.stream)}"
            raise place.refusal(f"pair {number}: stream {names}; {STREAM_MESSAGE}")


def _stream_label(name: str | None) -> str:
    return "without a name" if name is None else repr(name)


def _analytics_start(types: list[StepType]) -> int:
    return next((i for i, name in enumerate(types) if name == "analytics_query"), len(types))
