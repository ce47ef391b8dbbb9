"""``chartly query``."""

from decimal import Decimal

from chartly.errors import RunError, SpecError
from chartly.load.sql import quoted
from chartly_cli.output import table
from chartly_cli.session import Session
from chartly_cli.sql_guard import check_select
from chartly_cli.stored import project_of, stored

_READ_ONLY = {"readonly": 2, "max_execution_time": 60}


def query(session: Session, sql: str, limit: int) -> None:
    """Prints the rows of one SELECT."""
    workspace = session.workspace()
    with stored(workspace, project_of(workspace)) as found:
        names = found.engine.rows(
            "SELECT name FROM system.tables WHERE database = {name:String}",
            {"name": found.store.database},
        )
        text = check_select(sql, {str(row[0]) for row in names})
        bounded = f"SELECT * FROM ({text}\n) LIMIT {limit}"  # noqa: S608 - checked above
        # With the same settings, so that it holds for the handle that reads.
        found.engine.rows(f"USE {quoted(found.store.database)}", settings=_READ_ONLY)
        try:
            result = found.engine.arrow(bounded, settings=_READ_ONLY)
        except RunError as error:
            raise SpecError(f"query: {error.message}") from None
    rows = result.to_pylist()
    document = [{name: _plain(value) for name, value in row.items()} for row in rows]
    text = table(result.column_names, [list(row.values()) for row in document])
    session.printer.result(document, text)
    if len(rows) == limit:
        session.printer.note(f"the first {limit} rows; --limit takes more")


def _plain(value: object) -> object:
    """A value as text without loss: decimals keep their digits, instants their zone."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    isoformat = getattr(value, "isoformat", None)
    return isoformat().replace("+00:00", "Z") if isoformat else value
