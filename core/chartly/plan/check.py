"""Whether a plan can run: everything that can be known before anything starts."""

from collections.abc import Iterator
from contextlib import contextmanager

from chartly.errors import SpecError
from chartly.extract.jsonpath import compile_field, compile_path
from chartly.extract.mapping import check_mapping
from chartly.plan.resolve import Resolution
from chartly.plan.runplan import RunPlan
from chartly.plan.served import check_served
from chartly.query.gate import check_query


def check_plan(resolution: Resolution, plan: RunPlan) -> None:
    """Compiles the paths, mappings and queries of a plan.

    Raises:
        SpecError: something cannot run, or is not served; names the profile and the field.
    """
    check_served(resolution.workflow.spec, str(resolution.workflow))
    for one in plan.profiles:
        check_served(one.spec, str(one.reference.profile))
    _check_connector(plan)
    names = {digest.digest: str(digest.reference.profile) for digest in plan.profiles}
    for stream in plan.streams:
        with _named(names[stream.normalizer_digest]):
            check_mapping(stream.normalizer, stream.storage)
    for query in plan.analytics:
        check_query(query.spec, f"{query.reference.profile}: spec.queryTemplate.text")


def _check_connector(plan: RunPlan) -> None:
    spec = plan.connector
    with _named(f"connector/{plan.connector_name}: spec.records.path"):
        if spec.records.path is not None:
            compile_path(spec.records.path)
    with _named(f"connector/{plan.connector_name}: spec.pagination.responseField"):
        if spec.pagination.response_field is not None:
            compile_field(spec.pagination.response_field)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise SpecError(f"{name}: {error.message}", error.reason) from None
