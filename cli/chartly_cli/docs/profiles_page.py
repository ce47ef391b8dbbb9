"""``profiles.md``: naming, look-up, and every field of the four kinds."""

from collections.abc import Iterable, Iterator
from typing import get_args

from pydantic import BaseModel

from chartly.api.normalizer import Transform
from chartly.api.profile import SPEC_MODELS, PlaybookMetadata
from chartly_cli.docs.docstrings import class_sentence
from chartly_cli.docs.fields import field_row, field_table
from chartly_cli.docs.markdown import code, page, section, table
from chartly_cli.docs.types import vocabulary

_TAG = "op"
_INTRO = """
A profile is one immutable, versioned policy: a YAML file that says how records are pulled
(`connector`), shaped (`normalizer`), kept (`storage`) or computed on (`analytics`). A workflow
names profiles by exact reference; see [workflow.md](workflow.md).
"""
_SPELLINGS = """
Both spellings below are the same profile and have the same digest. The first is read by the
command line only; the second is also what `kubectl apply -f` takes. `chartly render` turns the
first into the second.

```yaml
apiVersion: chartly.io/v1alpha1
kind: Profile
metadata: {kind: storage, name: sales-events, version: 1.0.0}
spec: {dataset: sales-events, retentionDays: 30}
---
apiVersion: chartly.io/v1alpha1
kind: Profile
metadata: {name: storage-sales-events-1.0.0, namespace: tenant-demo-proj-sales}
spec:
  kind: storage
  name: sales-events
  version: 1.0.0
  storage: {dataset: sales-events, retentionDays: 30}
```

The name of a custom resource must be `<kind>-<name>-<version>`. A field that is not known is an
error; a null counts as absent.
"""
_LOOK_UP = """
A reference is `tenant/project::kind/name@version`, `global::kind/name@version`, or inside its own
project `kind/name@version`.

- It is looked up in the project first, then in `global`; `global::` looks only there.
- A reference to another project is refused (`CrossProjectReference`). What projects share stands
  in `global`: locally the folder `global/`, in a cluster the namespace `chartly-global`.
- The version is exact. There are no ranges, and no `@latest`.
- Locally profiles are the YAML and JSON files under `profiles/`. Which project that is, is said by
  the references, by `namespace.yaml` (labels `chartly.io/tenant` and `chartly.io/project`), or by
  `--project`.
"""
_DIGESTS = """
A profile's digest is `sha256:` and the hex of SHA-256 over the canonical JSON (RFC 8785) of its
kind, name, version and spec as written: nulls dropped, no defaults filled in. Description, owners,
labels and annotations are no part of it. Numbers with a fraction are refused in specs; write them
as text. `chartly digest` prints it; `chartly conformance` fails when a version changed its digest.
"""


def profiles_page() -> str:
    """The page."""
    kinds = (
        section(f"Kind {kind}", class_sentence(model), field_table(model))
        for kind, model in SPEC_MODELS.items()
    )
    return page(
        "Profiles",
        _INTRO,
        section("Two spellings", _SPELLINGS, field_table(PlaybookMetadata)),
        section("Names, versions and other words", table(("word", "what it allows"), vocabulary())),
        section("Look-up", _LOOK_UP),
        section("Digests", _DIGESTS),
        *kinds,
        section("Transforms", _transforms_intro(), _transforms()),
    )


def transform_models() -> tuple[type[BaseModel], ...]:
    """The models of all transforms."""
    models: tuple[type[BaseModel], ...] = get_args(get_args(Transform)[0])
    return models


def operation(model: type[BaseModel]) -> str:
    """The ``op`` of a transform."""
    return str(get_args(model.model_fields[_TAG].annotation)[0])


def _shared() -> list[str]:
    """The fields that every transform has."""
    models = transform_models()
    return [
        name
        for name in models[0].model_fields
        if all(name in model.model_fields for model in models)
    ]


def _settings(model: type[BaseModel], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        row = field_row(model, name)
        default = row.default if row.default in ("", "required") else f"default {row.default}"
        yield f"{code(row.path)} ({', '.join(filter(None, (row.type, default)))}): {row.meaning}"


def _transforms_intro() -> str:
    shared = _settings(transform_models()[0], (name for name in _shared() if name != _TAG))
    lines = "\n".join(f"- {setting}" for setting in shared)
    return (
        "Each entry of `transforms` has an `op`, these fields, and the settings of its `op`. A "
        f"null passes through every one but `default` and `const`.\n\n{lines}"
    )


def _transforms() -> str:
    shared = _shared()
    return table(
        ("op", "what it does", "settings"),
        (
            (
                code(operation(model)),
                class_sentence(model),
                "<br>".join(
                    _settings(model, (name for name in model.model_fields if name not in shared))
                ),
            )
            for model in transform_models()
        ),
    )
