"""What ``chartly query`` may send to the engine: one SELECT over the project's own datasets.

The embedded engine runs SQL with the powers of this process, so the text is judged before it is
sent; files, URLs, other databases and more than one statement are refused.
"""

from typing import TYPE_CHECKING

from chartly.api.suggestion import one_of
from chartly.errors import SpecError

if TYPE_CHECKING:
    from sqlglot import exp

_NAMES = """
file url s3 gcs azureblobstorage hdfs remote remotesecure cluster clusterallreplicas mysql
postgresql mongodb redis sqlite odbc jdbc executable input merge dictionary dictget generaterandom
python iceberg deltalake hudi fuzzjson filecluster urlcluster s3cluster sleep sleepeachrow
getsetting getmacro addresstoline addresstosymbol demangle catboostevaluate hascolumnintable
showcertificate filesystemavailable filesystemcapacity filesystemunreserved
in notin globalin globalnotin nullin notnullin globalnullin globalnotnullin
"""
# Families that read other stores by name; the functions of IN take tables, too.
_REFUSED_FAMILIES = ("dict", "joinget")
_REFUSED_FUNCTIONS = frozenset(_NAMES.split())


def check_select(sql: str, tables: set[str]) -> str:
    """The one SELECT of ``sql``, with its tables checked.

    Raises:
        SpecError: it is anything else.
    """
    text = sql.strip().rstrip(";").strip()
    tree = _parsed(text)
    _check_clauses(tree)
    _check_tables(tree, tables)
    _check_functions(tree)
    return text


def _parsed(text: str) -> "exp.Query":
    import sqlglot  # noqa: PLC0415 - costs start-up time
    from sqlglot import exp  # noqa: PLC0415 - same

    if any(sign in text for sign in ("$$", "\\", "\x00", "#", "--", "/*", ";")):
        raise SpecError("query: comments, backslashes, heredocs and `;` are not allowed")
    # The parser warns of other statements on standard error, so they do not get that far.
    if not text.upper().startswith(("SELECT", "WITH")):
        raise SpecError("query: must be exactly one SELECT")
    try:
        statements = sqlglot.parse(text, read="clickhouse")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise SpecError(f"query: {str(error).splitlines()[0]}") from None
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SpecError("query: must be exactly one SELECT")
    return tree


def _check_clauses(tree: "exp.Query") -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for query in tree.find_all(exp.Query):
        if any(query.args.get(name) for name in ("into", "settings", "format")):
            raise SpecError("query: INTO, SETTINGS and FORMAT are not allowed")
    for test in tree.find_all(exp.In):
        # To the engine, a name on the right of IN is a table, of any project.
        held = [test.args.get("field"), *test.expressions]
        if any(one is not None and one.find(exp.Column) for one in held):
            raise SpecError("query: IN takes values or a subquery")


def _check_tables(tree: "exp.Query", tables: set[str]) -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    known = tables | {one.alias for one in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.db:
            raise SpecError(f"query: table {table.sql('clickhouse')} is not one of the project's")
        if table.name not in known:
            raise SpecError(
                f"query: table {table.name!r} is not there; {one_of(table.name, tables)}"
            )


def _check_functions(tree: "exp.Query") -> None:
    from sqlglot import exp  # noqa: PLC0415 - costs start-up time

    for function in tree.find_all(exp.Func):
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        plain = name.lower().replace("_", "")
        if plain in _REFUSED_FUNCTIONS or plain.startswith(_REFUSED_FAMILIES):
            raise SpecError(f"query: function {name}() is not allowed")
