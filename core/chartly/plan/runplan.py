"""The plan of a run: what connector and loader execute, typed and with defaults filled in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class FrozenProfile:
    """One profile of a snapshot."""

    reference: Reference
    found_in: str
    digest: str
    spec: Spec

    @property
    def spec_place(self) -> Place:
        """Where the spec stands, as the playbook spells it."""
        return Place(object=str(self.reference.profile), path="spec")


@dataclass(frozen=True)
class StreamPlan:
    """One stream: how its records are shaped, and where they are kept."""

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
        """Where the SQL stands, as the playbook spells it."""
        return Place(object=str(self.reference.profile), path="spec").at(*QUERY_TEXT)


@dataclass(frozen=True)
class RunPlan:
    """Everything a run does.

    Attributes:
        digest: the config digest, which is that of the snapshot's bytes.
        profiles: what was frozen, in the order of first use; evidence quotes it.
        slices: what is pulled, in this order.
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
    steps: Sequence[tuple[str, str | None, Reference]],
    profiles: Mapping[Reference, FrozenProfile],
) -> RunPlan:
    """The plan of normalised steps.

    Raises:
        SpecError: two streams have one name or one dataset, or an analytics query reads or writes
            a dataset that it may not.
    """
    connector = profiles[steps[0][2]]
    pairs = [step for step in steps if step[0] in ("normalize", "write_dataset")]
    streams = tuple(
        _stream(one, profiles[one[2]], profiles[two[2]])
        for one, two in zip(pairs[::2], pairs[1::2], strict=True)
    )
    analytics = tuple(
        _analytics(profiles[step[2]]) for step in steps if step[0] == "analytics_query"
    )
    if not isinstance(connector.spec, ConnectorSpec):
        raise Bug(f"{connector.reference} is not a connector")
    plan = RunPlan(
        project=project,
        digest=digest,
        connector_name=connector.reference.profile.name,
        connector=connector.spec,
        connector_digest=connector.digest,
        streams=streams,
        analytics=analytics,
        profiles=tuple(profiles.values()),
        slices=tuple(Slice(stream.name) for stream in streams),
    )
    _check_datasets(plan)
    return plan


def _stream(
    step: tuple[str, str | None, Reference], one: FrozenProfile, two: FrozenProfile
) -> StreamPlan:
    if not isinstance(one.spec, NormalizerSpec) or not isinstance(two.spec, StorageSpec):
        raise Bug(f"{one.reference} and {two.reference} are not a normalizer and a storage profile")
    return StreamPlan(step[1] or MAIN_STREAM, one.spec, one.digest, two.spec, two.digest)


def _analytics(one: FrozenProfile) -> AnalyticsPlan:
    if not isinstance(one.spec, AnalyticsSpec):
        raise Bug(f"{one.reference} is not an analytics profile")
    return AnalyticsPlan(one.reference, one.spec, one.digest)


def _check_datasets(plan: RunPlan) -> None:
    specs = {
        one.digest: Place(object=str(one.reference.profile), path="spec") for one in plan.profiles
    }
    written = {one.storage.dataset: one.storage for one in plan.streams}
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
    for one in plan.streams:
        yield specs[one.storage_digest].at("dataset"), one.storage.dataset
    for one in plan.streams:
        if one.storage.raw.enabled:
            yield specs[one.storage_digest].at("raw", "dataset"), pages_dataset(one.storage)
    for query in plan.analytics:
        yield specs[query.digest].at("outputs", "dataset"), query.spec.outputs.dataset
