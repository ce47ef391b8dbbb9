"""The sentences under the members of classes, read from source: classes need not carry them."""

import ast
import inspect
from functools import cache
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel

from chartly.plan.served import unserved_marker

UNSERVED = "Not served yet."
"""How the meaning of a field ends that is refused with ``NotServed``."""


def member_sentence(owner: type, name: str) -> str:
    """The docstring under a member, in its class or the nearest one that declares it.

    Raises:
        LookupError: there is none.
    """
    for declaring in owner.__mro__:
        if declaring.__module__.startswith("chartly") and name in _sentences(declaring):
            return _sentences(declaring)[name]
    raise LookupError(f"{owner.__module__}.{owner.__name__}.{name} has no sentence under it")


def meaning(owner: type, name: str) -> str:
    """The docstring under a member, and what of the member is not served yet.

    Raises:
        LookupError: there is none.
    """
    sentence = member_sentence(owner, name)
    marker = unserved_marker(owner.model_fields[name]) if issubclass(owner, BaseModel) else None
    if marker is None:
        return sentence
    if not marker.values:
        return f"{sentence} {UNSERVED}"
    values = [f"`{value}`" for value in marker.values]
    named = " and ".join(filter(None, (", ".join(values[:-1]), values[-1])))
    return f"{sentence} {named} {'is' if len(values) == 1 else 'are'} not served yet."


def class_sentence(owner: type) -> str:
    """The docstring of a class as one paragraph."""
    return _paragraph(owner.__doc__ or "")


@cache
def _sentences(owner: type) -> dict[str, str]:
    statements = _classes(inspect.getsourcefile(owner) or "")[owner.__name__].body
    return {
        name: _paragraph(following.value.value)
        for statement, following in pairwise(statements)
        for name in _assigned(statement)
        if isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        and isinstance(following.value.value, str)
    }


def _assigned(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


@cache
def _classes(source: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(Path(source).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _paragraph(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
