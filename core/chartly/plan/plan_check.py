"""Checks a plan before a run starts: compiles its paths, mappings and queries."""

from chartly.api.analytics import QUERY_TEXT, AnalyticsSpec
from chartly.api.connector import ConnectorSpec
from chartly.api.event_schema import event_schema
from chartly.api.normalizer import NormalizerSpec
from chartly.api.page_fields import page_fields
from chartly.api.place import Place
from chartly.api.profile import Spec
from chartly.api.suggestion import suggestion_for
from chartly.extract.jsonpath import compile_field, compile_path
from chartly.extract.mapping import check_mapping, compiled_mapping
from chartly.load.dataset_tables import ENVELOPE_TYPES
from chartly.load.sql import column_type
from chartly.plan.resolve import Resolution
from chartly.plan.runplan import AnalyticsPlan, RunPlan, StreamPlan
from chartly.plan.served import check_served
from chartly.query.column_scope import check_columns
from chartly.query.exact import exact_query
from chartly.query.rollup_query import CheckedQuery, check_query, read_template
from chartly.query.ties import check_ties
from chartly.query.window_edges import check_aliases, check_bounds, check_edges


def check_plan(resolution: Resolution, plan: RunPlan) -> None:
    """Compiles the paths, mappings and queries of a plan.

    Raises:
        SpecError: something cannot run, or is not served; names the profile and the field.
    """
    workflow = resolution.workflow
    check_served(workflow.spec, workflow.place.at("spec"))
    with resolution.locating():
        _check_profiles(plan)


def _check_profiles(plan: RunPlan) -> None:
    specs = {profile.digest: profile.spec_place for profile in plan.profiles}
    for profile in plan.profiles:
        check_served(profile.spec, specs[profile.digest])
    _check_connector(plan.connector, specs[plan.connector_digest])
    for stream in plan.streams:
        at_normalizer, at_storage = specs[stream.normalizer_digest], specs[stream.storage_digest]
        check_mapping(stream.normalizer, stream.storage, at_normalizer, at_storage)
    streams = {stream.storage.dataset: stream for stream in plan.streams}
    for query in plan.analytics:
        _check_query(query, streams[query.spec.inputs.dataset], specs[query.digest])


def _check_query(query: AnalyticsPlan, source: StreamPlan, spec: Place) -> None:
    types, place = view_types(source), spec.at(*QUERY_TEXT)
    checked = exact_query(query.spec, types, place)
    _check_outputs(query.spec, checked, spec)
    _check_answer(query.spec, place)
    reading = read_template(check_query(query.spec, place).text, place)
    check_columns(reading, types, place)
    check_aliases(reading, types, place)
    by = source.storage.partitioning
    assert by is not None  # noqa: S101 - thaw() refuses a dataset without a time
    check_edges(reading, by.by[0], place)
    check_bounds(reading, by.by[0], place)


def _check_answer(spec: AnalyticsSpec, place: Place) -> None:
    """Checks what does not depend on the dataset that the query reads."""
    checked = check_query(spec, place)
    reading = read_template(checked.text, place)
    check_edges(reading, "", place)
    check_ties(reading, place)


def _check_outputs(spec: AnalyticsSpec, checked: CheckedQuery, place: Place) -> None:
    """Checks that the declared columns are those that the query returns.

    Raises:
        SpecError: a column is missing on either side.
    """
    declared, columns = spec.outputs.columns, place.at("outputs", "columns")
    for name in declared:
        if name not in checked.columns:
            why = f"the query gives no such column; {suggestion_for(name, checked.columns)}"
            raise columns.at(name).refusal(why, allowed=checked.columns)
    for name in checked.columns if declared else ():
        if name not in declared:
            raise columns.refusal(f"lacks {name!r}, which the query gives", allowed=checked.columns)


def view_types(stream: StreamPlan) -> dict[str, str]:
    """The engine's types of a dataset's columns, as queries read them."""
    schema = event_schema(stream.normalizer, stream.storage)
    return {**{column.name: column_type(column) for column in schema.columns}, **ENVELOPE_TYPES}


def check_alone(spec: Spec, place: Place) -> None:
    """Checks a profile by itself; ``place`` is that of its spec.

    Raises:
        SpecError: a part of it cannot run, or is not served; names the field.
    """
    check_served(spec, place)
    if isinstance(spec, ConnectorSpec):
        _check_connector(spec, place)
    if isinstance(spec, NormalizerSpec):
        compiled_mapping(spec, place)
    if isinstance(spec, AnalyticsSpec):
        text = place.at(*QUERY_TEXT)
        _check_outputs(spec, exact_query(spec, {}, text), place)
        _check_answer(spec, text)


def _check_connector(spec: ConnectorSpec, place: Place) -> None:
    if spec.records.path is not None:
        at_path = place.at("records", "path")
        path = compile_path(spec.records.path, at_path)
        if spec.pagination.mode == "offset" and path.filters_below:
            raise at_path.refusal(
                "filters what '..' finds, so that nobody can tell by how many records "
                "pagination.mode offset has to move; write the way to the records",
                value=path.text,
            )
    for name, text in page_fields(spec.pagination).items():
        compile_field(text, place.at("pagination", name))
