"""The commands as one group: with ``--output json`` what ends a command is its result."""

from typing import Any

from typer.core import TyperGroup

from chartly.errors import ChartlyError


class ReportingGroup(TyperGroup):
    """Prints the problems of a command that failed as JSON, if JSON was asked for."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the library's signature
        try:
            return super().invoke(ctx)
        except ChartlyError as error:
            if ctx.obj is not None and ctx.obj.printer.is_json:
                problems = [one.document() for one in error.problems]
                ctx.obj.printer.result({"problems": problems}, "")
            raise
