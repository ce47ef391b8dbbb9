"""``crds/*.yaml``: the definitions of the three kinds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from chartly.crds.definitions import KINDS, KindDefinition, definition
from chartly_cli.commands.render import to_yaml
from chartly_cli.docs.docstrings import meaning

CRD_FOLDER = Path("crds")
_HEADER = "# Generated from core/chartly/{api,crds} by `make generate`; do not edit.\n"


def crd_file(kind: KindDefinition) -> str:
    """The file of one kind."""
    return _HEADER + to_yaml([definition(kind, meaning)])


CRD_FILES: dict[str, Callable[[], str]] = {
    f"{kind.plural}.yaml": partial(crd_file, kind) for kind in KINDS
}
