"""Markdown as text: headings, tables, code spans."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make generate` from the code; edit the code instead. -->"


def page(title: str, *parts: str) -> str:
    """A page with its title and the note that it is generated."""
    return "\n\n".join((GENERATED, f"# {title}", *(part.strip() for part in parts))) + "\n"


def section(title: str, *parts: str, level: int = 2) -> str:
    """A heading and the parts under it."""
    return "\n\n".join((f"{'#' * level} {title}", *(part.strip() for part in parts if part)))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are markdown, with bars escaped."""
    lines = [_line(headers), _line(["---"] * len(headers))]
    return "\n".join(lines + [_line(row) for row in rows])


def code(text: object) -> str:
    """A code span; empty for an empty text."""
    return f"`{text}`" if str(text) else ""


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|").replace("\n", " ") for cell in cells)
    return "| " + " | ".join(escaped) + " |"
