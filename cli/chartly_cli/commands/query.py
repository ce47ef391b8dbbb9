"""``chartly query``."""

from chartly.errors import RunError, SpecError
from chartly.load.sql import quoted
from chartly.query.adhoc import check_select
from chartly_cli.output import table
from chartly_cli.result import FORMAT, SETTINGS, parse_result
from chartly_cli.session import Session
from chartly_cli.stored import project_of, stored

# Read-only for good, the embedded engine reads no file and no address as a table, whatever the text
# says; it comes last, since nothing can be set behind it.
READ_ONLY: dict[str, str | int] = {"max_execution_time": 60, "readonly": 1}


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
        settings = {**SETTINGS, **READ_ONLY}
        # With the same settings, so that it holds for the handle that reads.
        found.engine.rows(f"USE {quoted(found.store.database)}", settings=settings)
        try:
            answer = found.engine.formatted(bounded, FORMAT, settings)
        except RunError as error:
            raise SpecError(f"query: {error.message}") from None
    result = parse_result(answer)
    session.printer.result(result.document(), table(result.names, result.cells()))
    if len(result.rows) == limit:
        session.printer.note(f"the first {limit} rows; --limit takes more")
