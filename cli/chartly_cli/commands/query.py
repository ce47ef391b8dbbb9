"""``chartly query``."""

import json

from chartly_cli.output import table
from chartly_cli.session import Session
from chartly_service.quantity import counted
from chartly_service.query import QueryResult
from chartly_service.query import query as rows_of


def query(session: Session, sql: str, limit: int) -> None:
    """Prints the rows of one SELECT."""
    workspace = session.workspace()
    project = workspace.only_project()
    with session.binding(workspace).opened(project) as stored:
        result = rows_of(stored, sql, limit)
    session.printer.result(result.document(), table(result.names, cells(result)))
    if len(result.rows) == limit:
        session.printer.note(
            f"these are the first {counted(limit, 'row')}; raise --limit to see more"
        )


def cells(result: QueryResult) -> list[list[object]]:
    """The rows as a table shows them: null differs from the empty text."""
    return [[_cell(value) for value in row] for row in result.rows]


def _cell(value: object) -> object:
    if value is None:
        return "NULL"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value
