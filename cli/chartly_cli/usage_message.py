"""Problems with the arguments of a command, in the sentences of all other problems."""

from typing import TYPE_CHECKING, Any

from chartly.api.place import Place
from chartly.errors import Problem, Reason

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_NUMBERS = {"int": "a whole number", "float": "a number"}


def usage_problem(error: Any) -> Problem:  # noqa: ANN401 - Typer does not export its errors
    """The problem that an error of Typer describes."""
    parameter, cause = getattr(error, "param", None), error.__cause__
    if parameter is None or not hasattr(cause, "errors"):
        return Problem(_sentence(error.format_message()), Reason.USAGE)
    detail = _detail(cause)
    allowed = _allowed(parameter) or detail["msg"]
    place = Place(object=_rendered_names(parameter))
    return place.problem(f"must be {allowed}", value=str(detail["input"]), reason=Reason.USAGE)


def help_hint(error: Any) -> str:  # noqa: ANN401 - as above
    """The line that names the command whose help describes its arguments."""
    names: list[str] = []
    context = error.ctx
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return f"Try '{' '.join(['chartly', *names])} --help'"


def _detail(error: "ValidationError") -> "ErrorDetails":
    return error.errors()[0]


def _rendered_names(parameter: Any) -> str:  # noqa: ANN401 - as above
    options = [name for name in parameter.opts if name.startswith("--")]
    return options[0] if options else str(parameter.name)


def _allowed(parameter: Any) -> str:  # noqa: ANN401 - as above
    descriptor = parameter.type_descriptor
    if descriptor.choices:
        return " or ".join(str(choice.value) for choice in descriptor.choices)
    number = _NUMBERS.get(getattr(descriptor.annotation, "__name__", ""), "")
    low, high = parameter.min, parameter.max
    if low is not None and high is not None:
        return f"{number} from {low} to {high}"
    return f"{number} of at least {low}" if low is not None else number


def _sentence(message: str) -> str:
    """Typer's message as one sentence."""
    return message.rstrip(".").replace(". Did you", "; did you")
