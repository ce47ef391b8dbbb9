"""Whether a plan can run: everything that can be known before anything starts."""

from collections.abc import Iterator
from contextlib import contextmanager

from chartly.api.analytics import AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.page_fields import page_fields
from chartly.api.profile import Spec
from chartly.errors import SpecError
from chartly.extract.jsonpath import compile_field, compile_path
from chartly.extract.mapping import check_mapping
from chartly.load.sql import column_type
from chartly.load.tables import ENVELOPE_TYPES
from chartly.plan.resolve import Resolution
from chartly.plan.runplan import RunPlan, StreamPlan
from chartly.plan.served import check_served
from chartly.query.exact import exact_query
from chartly.query.gate import check_query


def check_plan(resolution: Resolution, plan: RunPlan) -> None:
    """Compiles the paths, mappings and queries of a plan.

    Raises:
        SpecError: something cannot run, or is not served; names the profile and the field.
    """
    check_served(resolution.workflow.spec, str(resolution.workflow))
    for one in plan.profiles:
        check_served(one.spec, str(one.reference.profile))
    _check_connector(plan.connector, f"connector/{plan.connector_name}")
    names = {digest.digest: str(digest.reference.profile) for digest in plan.profiles}
    for stream in plan.streams:
        with _named(names[stream.normalizer_digest]):
            check_mapping(stream.normalizer, stream.storage)
    schemas = {one.storage.dataset: one for one in plan.streams}
    for query in plan.analytics:
        read = schemas.get(query.spec.inputs.dataset)
        types = {} if read is None else view_types(read)
        exact_query(query.spec, types, f"{query.reference.profile}: spec.queryTemplate.text")


def view_types(stream: StreamPlan) -> dict[str, str]:
    """The engine's types of what a query sees of a dataset."""
    schema = event_schema(stream.normalizer, stream.storage)
    return {**{one.name: column_type(one) for one in schema.columns}, **ENVELOPE_TYPES}


def check_alone(spec: Spec, where: str) -> None:
    """Whether a profile can be used at all, whatever stands beside it.

    Raises:
        SpecError: something of it cannot run, or is not served; names the field.
    """
    check_served(spec, where)
    if isinstance(spec, ConnectorSpec):
        _check_connector(spec, where)
    if isinstance(spec, NormalizerSpec):
        for name, path in spec.mapping.items():
            with _named(f"{where}: mapping.{name}"):
                compile_path(path)
    if isinstance(spec, AnalyticsSpec):
        check_query(spec, f"{where}: spec.queryTemplate.text")


def _check_connector(spec: ConnectorSpec, where: str) -> None:
    with _named(f"{where}: spec.records.path"):
        if spec.records.path is not None:
            compile_path(spec.records.path)
    for name, text in page_fields(spec.pagination).items():
        with _named(f"{where}: spec.pagination.{name}"):
            compile_field(text)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise SpecError(f"{name}: {error.message}", error.reason) from None
