"""The options of the store, added to every command that reads or writes one."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Annotated, Any

import typer

URL_VARIABLE = "CHARTLY_STORE_URL"
USER_VARIABLE = "CHARTLY_STORE_USER"
PASSWORD_FILE_VARIABLE = "CHARTLY_STORE_PASSWORD_FILE"  # noqa: S105 - the name of a variable
CACERT_VARIABLE = "CHARTLY_STORE_CACERT"


@dataclass(frozen=True)
class StoreOptions:
    """The options of the store; None is not given."""

    url: str | None = None
    user: str | None = None
    password_file: str | None = None
    cacert: str | None = None


_OPTIONS: dict[str, object] = {
    "store_url": Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help=f"A ClickHouse server instead of the folder's store. [${URL_VARIABLE}]",
        ),
    ],
    "store_user": Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Its user. [${USER_VARIABLE}, default]")
    ],
    "store_password_file": Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help=f"Its first line is the password. [${PASSWORD_FILE_VARIABLE}]"
        ),
    ],
    "store_cacert": Annotated[
        str | None,
        typer.Option(metavar="FILE", help=f"PEM file of the server's CA. [${CACERT_VARIABLE}]"),
    ],
}


def on_a_store(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of the store to a command; its session has their values."""
    signature = inspect.signature(command, eval_str=True)

    @wraps(command)
    def with_store(context: typer.Context, **values: Any) -> None:  # noqa: ANN401 - Typer's own
        given = (values.pop(name) for name in _OPTIONS)
        context.obj = replace(context.obj, store=StoreOptions(*given))
        command(context, **values)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    parameters = [*signature.parameters.values(), *added]
    with_store.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_store.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_store
