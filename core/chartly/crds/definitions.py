"""The three CustomResourceDefinitions as documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chartly.api.object_status import ProfileStatus, WorkflowRunStatus, WorkflowStatus
from chartly.api.profile import SPEC_MODELS, ResourceSpec
from chartly.api.workflow import Versioned, WorkflowSpec
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.crds.cel_rules import Rule
from chartly.crds.object_rules import rules_of
from chartly.crds.printer_columns import PROFILE_COLUMNS, RUN_COLUMNS, WORKFLOW_COLUMNS, Column
from chartly.crds.root_rules import profile_rules, run_rules, workflow_rules
from chartly.crds.status_schema import status_schema
from chartly.crds.structural_schema import Describe, Schema, Schemas, with_rules
from chartly.crds.variants import of_variants
from chartly.names import CATEGORY, GROUP, VERSION

_NAME_LENGTH = 253


@dataclass(frozen=True)
class KindDefinition:
    """One kind of object.

    Attributes:
        selectable: fields that a watch may filter by.
        spec: the models whose fields together form the spec.
        rules: constraints on the whole object, which alone has its name.
    """

    name: str
    plural: str
    short: str
    about: str
    spec: tuple[type[BaseModel], ...]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...]
    rules: tuple[Rule, ...]


KINDS = (
    KindDefinition(
        "Profile",
        "profiles",
        "prof",
        "One immutable, versioned policy: how records are pulled, shaped, kept or computed on.",
        (ResourceSpec,),
        ProfileStatus,
        PROFILE_COLUMNS,
        (".spec.kind", ".spec.name", ".spec.version"),
        profile_rules(),
    ),
    KindDefinition(
        "Workflow",
        "workflows",
        "wf",
        "Steps that name profiles by exact reference, and when to run them.",
        (Versioned, WorkflowSpec),
        WorkflowStatus,
        WORKFLOW_COLUMNS,
        (".spec.version",),
        workflow_rules(),
    ),
    KindDefinition(
        "WorkflowRun",
        "workflowruns",
        "wfr",
        "One execution of a workflow; its inputs are frozen before anything starts.",
        (WorkflowRunSpec,),
        WorkflowRunStatus,
        RUN_COLUMNS,
        (".spec.workflowRef.name", ".status.outcome"),
        run_rules(),
    ),
)


def definition(kind: KindDefinition, describe: Describe) -> dict[str, Any]:
    """The definition of a kind; ``describe`` returns the descriptions of fields."""
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short],
        "categories": [CATEGORY],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": path} for path in kind.selectable],
        "additionalPrinterColumns": list(kind.columns),
        "schema": {"openAPIV3Schema": _schema(kind, describe)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _spec(models: Sequence[type[BaseModel]], describe: Describe) -> Schema:
    """The fields of the models side by side; those of a profile's kind in full."""
    schemas = Schemas(describe, of_variants)
    merged: Schema = {"type": "object", "properties": {}, "required": []}
    for model in models:
        schema = schemas.of_object(model)
        merged["properties"] |= schema["properties"]
        merged["required"] += schema["required"]
        merged = with_rules(merged, rules_of(model))
    if ResourceSpec in models:
        for kind, model in SPEC_MODELS.items():
            merged["properties"][kind] |= schemas.of_object(model)
            del merged["properties"][kind]["maxProperties"]
            del merged["properties"][kind]["additionalProperties"]
    return merged


def _schema(kind: KindDefinition, describe: Describe) -> Schema:
    spec = _spec(kind.spec, describe)
    return with_rules(
        {
            "description": kind.about,
            "type": "object",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": _metadata(),
                "spec": spec,
                "status": status_schema(kind.status, describe),
            },
        },
        kind.rules,
    )


def _metadata() -> Schema:
    """The part of metadata that rules read, with bounds, so that their cost has one."""
    name = {"type": "string", "maxLength": _NAME_LENGTH}
    return {"type": "object", "properties": {"name": dict(name), "generateName": dict(name)}}
