"""The plan of a run: what connector and loader execute, typed and with defaults filled in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chartly.api.analytics import QUERY_TEXT, AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.normalizer import NormalizerSpec
from chartly.api.place import Place
from chartly.api.profile import Spec
from chartly.api.reference import Project, Reference
from chartly.api.storage import StorageSpec
from chartly.errors import Bug
from chartly.load.page_dataset import pages_dataset
from chartly.slices import Slice

MAIN_STREAM = "main"
"""The stream of a connector that does not name streams."""
Step: TypeAlias = tuple[str, str | None, Reference]
"""Type, stream and reference of a step in normal form."""


@dataclass(frozen=True)
class FrozenProfile:
    """One profile of a snapshot."""

    reference: Reference
    found_in: str
    digest: str
    spec: Spec

    @property
    def spec_place(self) -> Place:
        """The place of the spec, as the playbook spells it."""
        return Place(object=str(self.reference.profile), path="spec")


@dataclass(frozen=True)
class StreamPlan:
    """One stream: the normalizer that shapes its records, and the storage that keeps them."""

    name: str
    normalizer: NormalizerSpec
    normalizer_digest: str
    storage: StorageSpec
    storage_digest: str


@dataclass(frozen=True)
class AnalyticsPlan:
    """One analytics query of the run."""

    reference: Reference
    spec: AnalyticsSpec
    digest: str

    @property
    def text_place(self) -> Place:
        """The place of the SQL, as the playbook spells it."""
        return Place(object=str(self.reference.profile), path="spec").at(*QUERY_TEXT)


@dataclass(frozen=True)
class RunPlan:
    """Everything a run does.

    Attributes:
        digest: the config digest, which is that of the snapshot's bytes.
        profiles: the frozen profiles, in the order of first use; evidence quotes them.
        slices: the slices to pull, in this order.
    """

    project: Project
    digest: str
    connector_name: str
    connector: ConnectorSpec
    connector_digest: str
    streams: tuple[StreamPlan, ...]
    analytics: tuple[AnalyticsPlan, ...]
    profiles: tuple[FrozenProfile, ...]
    slices: tuple[Slice, ...]


def run_plan(
    project: Project,
    digest: str,
    steps: Sequence[Step],
    profiles: Mapping[Reference, FrozenProfile],
) -> RunPlan:
    """The plan of normalised steps.

    Raises:
        SpecError: two streams have one name or one dataset, or an analytics query reads or writes
            a dataset that it may not.
    """
    connector = profiles[steps[0][2]]
    if not isinstance(connector.spec, ConnectorSpec):
        raise Bug(f"{connector.reference} is not a connector")
    streams = tuple(_streams(steps, profiles))
    queries = (profiles[step[2]] for step in steps if step[0] == "analytics_query")
    plan = RunPlan(
        project=project,
        digest=digest,
        connector_name=connector.reference.profile.name,
        connector=connector.spec,
        connector_digest=connector.digest,
        streams=streams,
        analytics=tuple(map(_analytics, queries)),
        profiles=tuple(profiles.values()),
        slices=tuple(Slice(stream.name) for stream in streams),
    )
    _check_datasets(plan)
    return plan


def _streams(
    steps: Sequence[Step], profiles: Mapping[Reference, FrozenProfile]
) -> Iterator[StreamPlan]:
    pairs = [step for step in steps if step[0] in ("normalize", "write_dataset")]
    for shaping, storing in zip(pairs[::2], pairs[1::2], strict=True):
        yield _stream(shaping[1] or MAIN_STREAM, profiles[shaping[2]], profiles[storing[2]])


def _stream(name: str, normalizer: FrozenProfile, storage: FrozenProfile) -> StreamPlan:
    shaping, storing = normalizer.spec, storage.spec
    if not isinstance(shaping, NormalizerSpec) or not isinstance(storing, StorageSpec):
        both = f"{normalizer.reference} and {storage.reference}"
        raise Bug(f"{both} are not a normalizer and a storage profile")
    return StreamPlan(name, shaping, normalizer.digest, storing, storage.digest)


def _analytics(profile: FrozenProfile) -> AnalyticsPlan:
    if not isinstance(profile.spec, AnalyticsSpec):
        raise Bug(f"{profile.reference} is not an analytics profile")
    return AnalyticsPlan(profile.reference, profile.spec, profile.digest)


def _check_datasets(plan: RunPlan) -> None:
    specs = {profile.digest: profile.spec_place for profile in plan.profiles}
    written = {stream.storage.dataset: stream.storage for stream in plan.streams}
    for query in plan.analytics:
        dataset, place = query.spec.inputs.dataset, specs[query.digest].at("inputs", "dataset")
        if dataset not in written:
            why = f"is not written by this workflow; it writes {', '.join(written)}"
            raise place.refusal(why, value=dataset, allowed=written)
        if written[dataset].partitioning is None:
            why = "has no time column; its storage profile needs partitioning.by"
            raise place.refusal(why, value=dataset)
    claimed: set[str] = set()
    for place, dataset in _outputs(plan, specs):
        if dataset in claimed:
            raise place.refusal("is written by two steps of the workflow", value=dataset)
        claimed.add(dataset)


def _outputs(plan: RunPlan, specs: Mapping[str, Place]) -> Iterator[tuple[Place, str]]:
    """Every dataset that is written, with the field that names it."""
    for stream in plan.streams:
        yield specs[stream.storage_digest].at("dataset"), stream.storage.dataset
    for stream in plan.streams:
        if stream.storage.raw.enabled:
            place = specs[stream.storage_digest].at("raw", "dataset")
            yield place, pages_dataset(stream.storage)
    for query in plan.analytics:
        yield specs[query.digest].at("outputs", "dataset"), query.spec.outputs.dataset
