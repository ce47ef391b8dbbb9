"""The group of all commands: with ``--output json`` a failure is a result, too."""

from typing import Any

from typer.core import TyperGroup

from chartly.errors import ChartlyError


class ReportingGroup(TyperGroup):
    """Prints the problems of a command that failed as JSON, with ``--output json``."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the library's signature
        try:
            return super().invoke(ctx)
        except ChartlyError as error:
            if ctx.obj is not None and ctx.obj.printer.is_json:
                problems = [problem.document() for problem in error.problems]
                ctx.obj.printer.result({"problems": problems}, "")
            raise
