"""The group of all commands: with ``--output json`` a failure is a result, too."""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

from chartly.errors import ChartlyError, Problem
from chartly_cli.output import Form, Printer


class ReportingGroup(TyperGroup):
    """Prints the problems of a command that failed as JSON, with ``--output json``."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the library's signature
        try:
            return super().invoke(ctx)
        except Exception as error:
            problems = _problems(error)
            if problems and ctx.params.get("output") == Form.JSON:
                documents = [problem.document() for problem in problems]
                Printer(Form.JSON).result({"problems": documents}, "")
            raise


def _problems(error: Exception) -> Sequence[Problem]:
    """The problems of a failure; none of an unexpected one, and where help is printed instead."""
    if isinstance(error, ChartlyError):
        return error.problems
    if hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError":
        from chartly_cli.usage_message import usage_problem  # noqa: PLC0415 - --help must be quick

        return [usage_problem(error)]
    return ()
