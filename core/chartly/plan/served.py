"""Fields that the models know and no code serves yet: refused by name, never ignored."""

from collections.abc import Iterator

from chartly.api.analytics import AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.normalizer import NormalizerSpec
from chartly.api.profile import Spec
from chartly.api.storage import StorageSpec
from chartly.api.workflow import WorkflowSpec
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.errors import Reason, SpecError


def check_served(spec: Spec | WorkflowSpec, where: str) -> None:
    """Whether everything that ``spec`` asks for is done by this version.

    Raises:
        SpecError: ``NotServed``, naming the field.
    """
    for field, served in _unserved(spec):
        hint = f"; served are {served}" if served else ""
        raise SpecError(
            f"{where}: spec.{field}: is not served by this version{hint}", Reason.NOT_SERVED
        )


def check_run_served(spec: WorkflowRunSpec, where: str) -> None:
    """Whether everything that a run asks for is done by this version.

    Raises:
        SpecError: ``NotServed``, naming the field.
    """
    asked = {
        "parameters": bool(spec.parameters),
        "rerunOf": spec.rerun_of is not None,
        "trigger.fullRefresh": spec.trigger.full_refresh,
    }
    for field, given in asked.items():
        if given:
            raise SpecError(
                f"{where}: spec.{field}: is not served by this version", Reason.NOT_SERVED
            )


def _unserved(spec: Spec | WorkflowSpec) -> Iterator[tuple[str, str]]:
    if isinstance(spec, ConnectorSpec):
        yield from _connector(spec)
    elif isinstance(spec, NormalizerSpec):
        yield from _normalizer(spec)
    elif isinstance(spec, StorageSpec):
        yield from _storage(spec)
    elif isinstance(spec, AnalyticsSpec):
        if spec.inputs.lookback is not None:
            yield "inputs.lookback", ""
    else:
        yield from _workflow(spec)


def _connector(spec: ConnectorSpec) -> Iterator[tuple[str, str]]:
    if spec.auth.mode not in ("none", "bearer"):
        yield f"auth.mode {spec.auth.mode!r}", "none, bearer"
    if spec.pagination.mode == "linkHeader":
        yield "pagination.mode 'linkHeader'", "none, cursor, page, offset, nextUrl"
    if spec.transport.method != "GET" or spec.transport.body is not None:
        yield "transport.method and transport.body", "GET without a body"
    if spec.responses:
        yield "responses", ""
    if spec.records.filter is not None:
        yield "records.filter", ""
    if spec.incremental is not None:
        yield "incremental", ""
    if spec.streams:
        yield "streams", ""


def _normalizer(spec: NormalizerSpec) -> Iterator[tuple[str, str]]:
    if spec.unknown_fields != "ignore":
        yield f"unknownFields {spec.unknown_fields!r}", "ignore"
    if spec.sensitive:
        yield "sensitive", ""


def _storage(spec: StorageSpec) -> Iterator[tuple[str, str]]:
    if spec.write_mode != "append":
        yield f"writeMode {spec.write_mode!r}", "append"


def _workflow(spec: WorkflowSpec) -> Iterator[tuple[str, str]]:
    for field in ("parameters", "schedule", "run_on_apply", "priority"):
        if getattr(spec, field):
            yield str(type(spec).model_fields[field].alias), ""
    if spec.concurrency not in ("Forbid", "Queue"):
        yield f"concurrency {spec.concurrency!r}", "Forbid, Queue"
    if spec.deadlines is not None and spec.deadlines.heartbeat is not None:
        yield "deadlines.heartbeat", ""
    if any(step.type in ("normalize", "write_dataset") and step.stream for step in spec.steps):
        yield "steps[].stream", ""
