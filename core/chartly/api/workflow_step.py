"""The steps of a workflow, each with its profile in explicit or compact spelling."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Annotated, Literal

from pydantic import Field

from chartly.api.model import Slug, SpecModel, Unserved
from chartly.api.place import Place

StepType = Literal["connector_sync", "normalize", "write_dataset", "analytics_query"]
STEP_KINDS = {
    "connector_sync": "connector",
    "normalize": "normalizer",
    "write_dataset": "storage",
    "analytics_query": "analytics",
}
"""The kind of profile that a step names, by the type of the step."""
SPELLINGS: dict[str, tuple[str, str]] = {
    "connector_sync": ("connector_profile", "connector_id"),
    "normalize": ("normalizer_profile", "profile"),
    "write_dataset": ("storage_profile", "dataset_id"),
    "analytics_query": ("analytics_profile", "query_ref"),
}
"""The explicit and the compact field in which a step names its profile."""
START_MESSAGE = "must start with exactly one connector_sync"
ORDER_MESSAGE = (
    "after connector_sync come pairs of normalize and write_dataset, "
    "then any number of analytics_query"
)
STREAM_MESSAGE = "a normalize and the write_dataset after it take the same stream"


def exactly_one_message(step: str) -> str:
    """The message for a step that names no profile, or two."""
    explicit, compact = SPELLINGS[step]
    return f"{_with_article(step)} step needs exactly one of {explicit}, {compact}"


def takes_kind_message(step: str) -> str:
    """The message for a step that names a profile of another kind."""
    return f"{_with_article(step)} step takes {_with_article(STEP_KINDS[step])} profile"


def _with_article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


ReferenceText = Annotated[str, Field(min_length=1, max_length=400)]


class When(SpecModel):
    enabled: bool = True
    """A step that is not enabled is left out, also of digests."""


class _ConnectorSync(SpecModel):
    type: Literal["connector_sync"]
    """Pulls records."""
    connector_profile: ReferenceText | None = Field(default=None, alias="connector_profile")
    """The connector profile."""
    connector_id: ReferenceText | None = Field(default=None, alias="connector_id")
    """The same, in compact spelling."""


class _Normalize(SpecModel):
    type: Literal["normalize"]
    """Turns records into events."""
    normalizer_profile: ReferenceText | None = Field(default=None, alias="normalizer_profile")
    """The normalizer profile."""
    profile: ReferenceText | None = None
    """The same, in compact spelling."""
    stream: Annotated[Slug | None, Unserved()] = None
    """The stream of the connector."""


class _WriteDataset(SpecModel):
    type: Literal["write_dataset"]
    """Stores the events."""
    storage_profile: ReferenceText | None = Field(default=None, alias="storage_profile")
    """The storage profile."""
    dataset_id: ReferenceText | None = Field(default=None, alias="dataset_id")
    """The same, in compact spelling."""
    stream: Annotated[Slug | None, Unserved()] = None
    """As in the `normalize` step before it."""


class _AnalyticsQuery(SpecModel):
    type: Literal["analytics_query"]
    """Computes a rollup."""
    analytics_profile: ReferenceText | None = Field(default=None, alias="analytics_profile")
    """The analytics profile."""
    query_ref: ReferenceText | None = Field(default=None, alias="query_ref")
    """The same, in compact spelling."""
    when: When = When.model_construct()
    """Whether the step runs."""


Step = Annotated[
    _ConnectorSync | _Normalize | _WriteDataset | _AnalyticsQuery, Field(discriminator="type")
]


@dataclass(frozen=True)
class WrittenStep:
    """A step in the form that both spellings share; ``reference`` is not resolved yet.

    Attributes:
        field: the member that holds the reference.
    """

    type: StepType
    stream: str | None
    reference: str
    enabled: bool
    field: str = dataclass_field(default="reference", compare=False)


def written_step(step: Step, place: Place) -> WrittenStep:
    """A parsed step in the form that both spellings share.

    Raises:
        SpecError: the step names no profile, or two.
    """
    spellings = SPELLINGS[step.type]
    given = [(name, text) for name in spellings if (text := getattr(step, name))]
    if len(given) != 1:
        raise place.refusal(exactly_one_message(step.type), allowed=spellings)
    field, reference = given[0]
    return WrittenStep(
        type=step.type,
        stream=getattr(step, "stream", None),
        reference=reference,
        enabled=step.when.enabled if isinstance(step, _AnalyticsQuery) else True,
        field=field,
    )
