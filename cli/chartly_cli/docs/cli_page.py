"""``cli.md``: the output of ``--help``, command by command."""

import re
from collections.abc import Iterator

from typer.testing import CliRunner

from chartly_cli.app import app
from chartly_cli.docs.markdown import page, section

_WIDTH = 88
_INTRO = """
`chartly` exits with 0, or with the code of a reason ([reasons.md](reasons.md)) and one sentence for
each problem on standard error. `test`, `conformance`, `status`, `doctor` and `audit verify` print
what they checked on standard output, also where a check fails: there the output explains the code.
Results go to standard output, as text or with `--output json` as one JSON document.
Options of `chartly` itself stand before the command.
"""
_ENTRY = re.compile(r"^  ([a-z][a-z-]*)  ", re.MULTILINE)


def cli_page() -> str:
    """The page."""
    return page("Command line", _INTRO, *(_section(command) for command in commands()))


def commands(parent: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, each after the group that it belongs to; the first is ``chartly`` itself."""
    yield parent
    _, _, listed = help_text(parent).partition("\nCommands:\n")
    for name in _ENTRY.findall(listed):
        yield from commands((*parent, name))


def help_text(command: tuple[str, ...]) -> str:
    """What ``--help`` prints, at one width."""
    result = CliRunner().invoke(
        app, [*command, "--help"], prog_name="chartly", terminal_width=_WIDTH, color=False
    )
    return "\n".join(line.rstrip() for line in result.output.splitlines())


def _section(command: tuple[str, ...]) -> str:
    return section(" ".join(("chartly", *command)), f"```text\n{help_text(command)}\n```")
