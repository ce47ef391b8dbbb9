"""The policies of a workflow for its runs: schedule, retries, deadlines, history and runtime."""

from typing import Annotated, Literal

from pydantic import Field

from chartly.api.model import SpecModel, Unserved
from chartly.api.text_forms import PARAMETER_NAME, QUANTITY

Quantity = Annotated[str, Field(pattern=QUANTITY, max_length=64)]
Word = Annotated[str, Field(max_length=253)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]


class Parameter(SpecModel):
    name: Annotated[str, Field(pattern=PARAMETER_NAME, max_length=128)]
    """The parameter."""
    default: str | int | bool | None = None
    """Its value when a run sets none."""
    required: bool = False
    """Whether a run must set it."""


class CatchUp(SpecModel):
    limit: Annotated[int, Field(ge=0, le=100)] = 1
    """Missed ticks at most that are run later."""


class Schedule(SpecModel):
    cron: Annotated[str, Field(min_length=1, max_length=200)]
    """When runs start."""
    time_zone: Annotated[str, Field(max_length=128)] = "Etc/UTC"
    """The IANA zone of `cron`."""
    starting_deadline_seconds: Seconds | None = None
    """How late a run may start."""
    catch_up: CatchUp = CatchUp.model_construct()
    """What happens to missed ticks."""


class RunRetry(SpecModel):
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Attempts of a run at most, without those that infrastructure ended."""
    backoff_seconds: Seconds = 10
    """The wait before the second attempt; it doubles with each one, up to five minutes."""


class Deadlines(SpecModel):
    """Seconds until a run must start, end, and show activity."""

    pending: Seconds | None = None
    """Until the start; without it the default of the operator's installation."""
    run: Seconds | None = None
    """Until the end, over all attempts; without it the default of the operator's installation."""
    heartbeat: Annotated[Seconds | None, Unserved()] = None
    """Between two heartbeats."""


class History(SpecModel):
    keep_succeeded: Annotated[int, Field(ge=0, le=1000)] = 10
    """The newest succeeded runs that are kept."""
    keep_failed: Annotated[int, Field(ge=0, le=1000)] = 10
    """The newest runs that are kept of those that did not succeed."""
    ttl: Seconds | None = None
    """Seconds that a finished run is kept at most."""


class Resources(SpecModel):
    requests: Annotated[dict[Literal["cpu", "memory"], Quantity], Field(max_length=2)] = Field(
        default_factory=dict
    )
    """As in a Pod, for the loader's container."""
    limits: Annotated[dict[Literal["cpu", "memory"], Quantity], Field(max_length=2)] = Field(
        default_factory=dict
    )
    """As in a Pod, for the loader's container."""


class Runtime(SpecModel):
    """Settings of a run's Pod in a cluster."""

    resources: Resources = Resources.model_construct()
    """As in a Pod."""
    node_selector: Annotated[dict[str, Word], Field(max_length=64)] = Field(default_factory=dict)
    """As in a Pod."""
    tolerations: Annotated[
        tuple[Annotated[dict[str, Word | int], Field(max_length=8)], ...], Field(max_length=64)
    ] = ()
    """As in a Pod."""
    image_pull_secrets: Annotated[tuple[Word, ...], Field(max_length=16)] = ()
    """Names of Secrets."""
