"""The three CustomResourceDefinitions as documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chartly.api.profile import SPEC_MODELS, ResourceSpec
from chartly.api.status import ProfileStatus, WorkflowRunStatus, WorkflowStatus
from chartly.api.workflow import Versioned, WorkflowSpec
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.crds.object_rules import rules_of
from chartly.crds.printer_columns import PROFILE_COLUMNS, RUN_COLUMNS, WORKFLOW_COLUMNS, Column
from chartly.crds.root_rules import profile_rules, run_rules, workflow_rules
from chartly.crds.rules import Rule
from chartly.crds.schema import Say, Schema, Schemas, with_rules
from chartly.crds.status_schema import status_schema
from chartly.crds.variants import of_variants
from chartly.names import CATEGORY, GROUP, VERSION

_NAME_LENGTH = 253


@dataclass(frozen=True)
class KindDefinition:
    """One kind of object.

    Attributes:
        selectable: fields that a watch may select by.
        spec: the models whose fields the spec has together.
        rules: what must be true of the whole object, which alone shows its name.
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


def definition(kind: KindDefinition, say: Say) -> dict[str, Any]:
    """The definition of a kind; ``say`` gives the sentences of fields."""
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
        "schema": {"openAPIV3Schema": _schema(kind, say)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _spec(models: Sequence[type[BaseModel]], say: Say) -> Schema:
    """The fields of the models side by side; those of a profile's kind in full."""
    schemas = Schemas(say, of_variants)
    merged: Schema = {"type": "object", "properties": {}, "required": []}
    for model in models:
        found = schemas.of_object(model)
        merged["properties"] |= found["properties"]
        merged["required"] += found["required"]
        merged = with_rules(merged, rules_of(model))
    if ResourceSpec in models:
        for kind, model in SPEC_MODELS.items():
            merged["properties"][kind] |= schemas.of_object(model)
            del merged["properties"][kind]["maxProperties"]
            del merged["properties"][kind]["additionalProperties"]
    return merged


def _schema(kind: KindDefinition, say: Say) -> Schema:
    spec = _spec(kind.spec, say)
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
                "status": status_schema(kind.status, say),
            },
        },
        kind.rules,
    )


def _metadata() -> Schema:
    """What rules see of metadata, with bounds, so that what they cost is known."""
    name = {"type": "string", "maxLength": _NAME_LENGTH}
    return {"type": "object", "properties": {"name": dict(name), "generateName": dict(name)}}
