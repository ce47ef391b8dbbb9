"""The policies of a workflow for its runs: schedule, retries, deadlines, history and runtime."""

from typing import Annotated, Literal

from pydantic import Field

from chartly.api.model import SpecModel, Unserved

Quantity = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$", max_length=64)
]
Word = Annotated[str, Field(max_length=253)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]


class Parameter(SpecModel):
    name: Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9]{0,62}$", max_length=128)]
    """The parameter."""
    default: str | int | bool | None = None
    """Its value when a run gives none."""
    required: bool = False
    """Whether a run must give it."""


class CatchUp(SpecModel):
    limit: Annotated[int, Field(ge=0, le=100)] = 1
    """Missed ticks that are made up for at most."""


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
    """Attempts of a run at most; those that infrastructure ended do not count."""
    backoff_seconds: Seconds = 10
    """The wait before the second one; it doubles from then on, up to five minutes."""


class Deadlines(SpecModel):
    """Seconds a run may wait to start, take, and stay silent."""

    pending: Seconds | None = None
    """To start; without it what the operator was installed with."""
    run: Seconds | None = None
    """To end, all attempts together; without it what the operator was installed with."""
    heartbeat: Annotated[Seconds | None, Unserved()] = None
    """Between signs of life."""


class History(SpecModel):
    keep_succeeded: Annotated[int, Field(ge=0, le=1000)] = 10
    """Finished runs kept that succeeded, the newest."""
    keep_failed: Annotated[int, Field(ge=0, le=1000)] = 10
    """Finished runs kept that did not, the newest."""
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
    """What a run's Pod is given in a cluster."""

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
