"""``workflow.md`` and ``api.md``: steps in both spellings, the fields of workflows and runs."""

from typing import get_args

from pydantic import BaseModel

from chartly.api.workflow import WorkflowSpec
from chartly.api.workflow_run import RUN_NAME_LENGTH, WorkflowRunSpec
from chartly.api.workflow_step import SPELLINGS, STEP_KINDS
from chartly_cli.docs.docstrings import member_sentence
from chartly_cli.docs.fields import field_row, field_table
from chartly_cli.docs.markdown import code, page, section, table

_INTRO = """
A workflow stitches profiles together: pull, then shape and store each stream, then compute. Its
inputs are frozen before a run starts, so what ran can be told for ever.
"""
_SPELLINGS = """
```yaml
apiVersion: chartly.io/v1alpha1
kind: Workflow
metadata: {name: sales-onboard, version: 1.0.0, labels: {domain: sales}}
spec:
  steps:
    - {type: connector_sync, connector_profile: connector/sales-http@1.0.0}
    - {type: normalize, normalizer_profile: normalizer/sales-default@1.0.0}
    - {type: write_dataset, storage_profile: storage/sales-events@1.0.0}
    - type: analytics_query
      analytics_profile: tenant-demo/proj-sales::analytics/sales-daily-rollup@1.0.0
      when: {enabled: true}
```

The custom resource is the same, with the version in `spec.version` instead of `metadata`. The label
`domain` lets commands name the workflow by its domain.
"""
_RULES = """
- The order is one `connector_sync`, then pairs of `normalize` and `write_dataset`, then any number
  of `analytics_query`.
- References are exact and versioned, and belong to the workflow's own project or to `global`; see
  [profiles.md](profiles.md).
- A dataset is written by one workflow (`DatasetInUse`). An analytics step reads a dataset that the
  workflow writes.
- When steps change, so must the version.
- A field that is not served yet is refused by name (`NotServed`), never ignored.
"""
_DIGESTS = """
- The config digest covers the steps in normal form, disabled ones dropped, and every resolved
  profile: reference, where it was found, digest and spec. It is the digest of the frozen snapshot's
  bytes; a run refuses a snapshot with another one (`SnapshotTampered`).
- The run digest covers the config digest, the parameters and the window.

All spellings give the same digests, on every machine.
"""
_API = """
The compact spelling of steps is what programs send. This version has no HTTP API; files take the
compact spelling as well, and both give the same plan and the same digests. A step has exactly one
of the two fields.
"""
_COMPACT = """
```json
{
  "apiVersion": "chartly.io/v1alpha1",
  "kind": "Workflow",
  "metadata": {"name": "sales-onboard", "version": "1.0.0"},
  "spec": {
    "steps": [
      {"type": "connector_sync", "connector_id": "connector/sales-http@1.0.0"},
      {"type": "normalize", "profile": "normalizer/sales-default@1.0.0"},
      {"type": "write_dataset", "dataset_id": "storage/sales-events@1.0.0"},
      {"type": "analytics_query", "query_ref": "analytics/sales-daily-rollup@1.0.0"}
    ]
  }
}
```
"""


def workflow_page() -> str:
    """The page of workflows and runs."""
    return page(
        "Workflows",
        _INTRO,
        section("A workflow", _SPELLINGS),
        section("Steps", table(("type", "what it does", "fields"), map(_step_row, step_models()))),
        section("Rules", _RULES),
        section("Fields of a workflow's spec", field_table(WorkflowSpec)),
        section("Digests", _DIGESTS),
        section(
            "Fields of a WorkflowRun's spec",
            "The command line makes runs itself; this is the shape of a run that is asked for as "
            f"an object. Its name has at most {RUN_NAME_LENGTH} characters.",
            field_table(WorkflowRunSpec),
        ),
    )


def api_page() -> str:
    """The page of the compact spelling."""
    rows = (
        (code(step), STEP_KINDS[step], code(explicit), code(compact))
        for step, (explicit, compact) in SPELLINGS.items()
    )
    headers = ("step", "kind of profile", "explicit field", "compact field")
    return page("Compact workflows", _API, table(headers, rows), section("Example", _COMPACT))


def step_models() -> tuple[type[BaseModel], ...]:
    """The models of the four step types."""
    steps = get_args(WorkflowSpec.model_fields["steps"].annotation)[0]
    models: tuple[type[BaseModel], ...] = get_args(get_args(steps)[0])
    return models


def _step_row(model: type[BaseModel]) -> tuple[str, str, str]:
    kind = get_args(model.model_fields["type"].annotation)[0]
    rows = (field_row(model, name) for name in model.model_fields if name != "type")
    fields = "<br>".join(f"{code(row.path)}: {row.meaning}" for row in rows)
    return code(kind), member_sentence(model, "type"), fields
