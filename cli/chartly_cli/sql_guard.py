"""What ``chartly query`` may send to the engine: one SELECT over the project's own datasets.

The embedded engine runs SQL with the powers of this process, so the text is judged before it is
sent; files, URLs, other databases and more than one statement are refused.
"""

from chartly.api.suggestion import one_of
from chartly.errors import SpecError

_NAMES = """
file url s3 gcs azureblobstorage hdfs remote remotesecure cluster clusterallreplicas mysql
postgresql mongodb redis sqlite odbc jdbc executable input merge dictionary dictget generaterandom
python iceberg deltalake hudi fuzzjson filecluster urlcluster s3cluster sleep sleepeachrow
getsetting getmacro addresstoline addresstosymbol demangle
"""
_REFUSED_FUNCTIONS = frozenset(_NAMES.split())


def check_select(sql: str, tables: set[str]) -> str:
    """The one SELECT of ``sql``, with its tables checked.

    Raises:
        SpecError: it is anything else.
    """
    import sqlglot  # noqa: PLC0415 - costs start-up time
    from sqlglot import exp  # noqa: PLC0415 - same

    text = sql.strip().rstrip(";").strip()
    if any(sign in text for sign in ("$$", "\\", "\x00", "#", "--", "/*", ";")):
        raise SpecError("query: comments, backslashes, heredocs and `;` are not allowed")
    try:
        statements = sqlglot.parse(text, read="clickhouse")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise SpecError(f"query: {str(error).splitlines()[0]}") from None
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SpecError("query: must be exactly one SELECT")
    if tree.args.get("into") or tree.args.get("settings") or tree.args.get("format"):
        raise SpecError("query: INTO, SETTINGS and FORMAT are not allowed")
    ours = {one.alias for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.db:
            raise SpecError(f"query: table {table.sql('clickhouse')} is not one of the project's")
        if table.name not in tables | ours:
            raise SpecError(
                f"query: table {table.name!r} is not there; {one_of(table.name, tables)}"
            )
    for function in tree.find_all(exp.Func):
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        if name.lower().replace("_", "") in _REFUSED_FUNCTIONS:
            raise SpecError(f"query: function {name}() is not allowed")
    return text
