"""What a field promises, some code does: a served field is read somewhere, an unserved one refused."""

import ast
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import create_model

from chartly.api.model import SpecModel
from chartly.api.profile import SPEC_MODELS
from chartly.api.workflow import WorkflowSpec
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.plan.served import unserved_marker

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("core", "adapters", "service", "operator", "runners", "cli")
    for path in (ROOT / folder).rglob("*.py")
    if not {"crds", "docs"} & set(path.relative_to(ROOT).parts)
]
MODELS = [*SPEC_MODELS.values(), WorkflowSpec, WorkflowRunSpec]
AS_A_WHOLE = {
    "Resources": "a Pod's resources are copied as they are written",
}
"""Models that code hands on without looking into them, with the reason."""


class _Reads(ast.NodeVisitor):
    """Names that code reads: attributes, and texts by which objects of a cluster are read."""

    def __init__(self):
        self.names = set()

    def visit_Attribute(self, node):
        if isinstance(node.ctx, ast.Load):
            self.names.add(node.attr)
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.names.add(node.value)


def read_names():
    reads = _Reads()
    for path in SOURCES:
        reads.visit(ast.parse(path.read_text(encoding="utf-8")))
    return reads.names


def unread(model, names):
    """The served fields of a model that no code names."""
    return [
        f"{model.__name__}.{name}"
        for name, info in model.model_fields.items()
        if is_choice(info) and not {name, info.alias} & names
    ]


def is_choice(info):
    """Whether a field can be given in two ways that are served: one alone needs no reader."""
    marker = unserved_marker(info)
    if marker is not None and not marker.values:
        return False
    if get_origin(info.annotation) is Literal:
        return len(get_args(info.annotation)) - len(marker.values if marker else ()) > 1
    models = list(models_within(info.annotation))
    return not models or any(map(is_choice, models[0].model_fields.values()))


def served_models(model):
    """A model and those within it, but not within what is not served."""
    yield model
    for info in model.model_fields.values():
        marker = unserved_marker(info)
        if marker is None or marker.values:
            for inner in models_within(info.annotation):
                yield from served_models(inner)


def models_within(annotation):
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_within(inner)


def test_every_served_field_is_read():
    names = read_names()
    models = {inner for model in MODELS for inner in served_models(model)}
    assert len(models) > 20
    missing = [
        field
        for model in models
        if model.__name__ not in AS_A_WHOLE
        for field in unread(model, names)
    ]
    assert missing == []


def test_a_field_that_no_code_reads_is_found():
    model = create_model("Promise", __base__=SpecModel, never_read_by_anyone=(str, ""))
    assert unread(model, read_names()) == ["Promise.never_read_by_anyone"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_values_that_are_not_served_are_values_of_their_field(model):
    for inner in served_models(model):
        for name, info in inner.model_fields.items():
            marker = unserved_marker(info)
            if marker is not None and marker.values:
                assert set(marker.values) < set(info.annotation.__args__), name
