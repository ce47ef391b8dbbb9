"""Whether a plan can run: everything that can be known before anything starts."""

from collections.abc import Iterator
from contextlib import contextmanager

from chartly.api.analytics import AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.page_fields import page_fields
from chartly.api.profile import Spec
from chartly.api.suggestion import one_of
from chartly.errors import SpecError
from chartly.extract.jsonpath import Path, compile_field, compile_path
from chartly.extract.mapping import check_mapping
from chartly.load.sql import column_type
from chartly.load.tables import ENVELOPE_TYPES
from chartly.plan.resolve import Resolution
from chartly.plan.runplan import RunPlan, StreamPlan
from chartly.plan.served import check_served
from chartly.query.columns import check_columns
from chartly.query.edges import check_aliases, check_bounds, check_edges
from chartly.query.exact import exact_query
from chartly.query.gate import CheckedQuery, check_query, read_template
from chartly.query.ties import check_ties


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
        read = schemas[query.spec.inputs.dataset]
        types = view_types(read)
        where = f"{query.reference.profile}: spec.queryTemplate.text"
        checked = exact_query(query.spec, types, where)
        _check_outputs(query.spec, checked, f"{query.reference.profile}")
        _check_answer(query.spec, where)
        reading = read_template(check_query(query.spec, where).text, where)
        check_columns(reading, types, where)
        check_aliases(reading, types, where)
        by = read.storage.partitioning
        assert by is not None  # noqa: S101 - thaw() refuses a dataset without a time
        check_edges(reading, by.by[0], where)
        check_bounds(reading, by.by[0], where)


def _check_answer(spec: AnalyticsSpec, where: str) -> None:
    """What a query shows whatever dataset it reads."""
    checked = check_query(spec, where)
    reading = read_template(checked.text, where)
    check_edges(reading, "", where)
    check_ties(reading, where)


def _check_outputs(spec: AnalyticsSpec, checked: CheckedQuery, where: str) -> None:
    """Whether the columns that are declared are those that the query gives.

    Raises:
        SpecError: one is missing on either side.
    """
    declared = spec.outputs.columns
    for name in declared:
        if name not in checked.columns:
            said = one_of(name, checked.columns)
            raise SpecError(
                f"{where}: spec.outputs.columns.{name}: the query gives no such column; {said}"
            )
    for name in checked.columns if declared else ():
        if name not in declared:
            raise SpecError(f"{where}: spec.outputs.columns: lacks {name!r}, which the query gives")


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
        text = f"{where}: spec.queryTemplate.text"
        _check_outputs(spec, exact_query(spec, {}, text), where)
        _check_answer(spec, text)


def _check_connector(spec: ConnectorSpec, where: str) -> None:
    with _named(f"{where}: spec.records.path"):
        if spec.records.path is not None:
            _check_records(compile_path(spec.records.path), spec.pagination.mode)
    for name, text in page_fields(spec.pagination).items():
        with _named(f"{where}: spec.pagination.{name}"):
            compile_field(text)


def _check_records(path: Path, mode: str) -> None:
    if mode == "offset" and path.filters_below:
        raise SpecError(
            f"path {path.text!r}: filters what '..' finds, so that nobody can tell by how many "
            "records pagination.mode offset has to move; write the way to the records"
        )


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise SpecError(f"{name}: {error.message}", error.reason) from None
