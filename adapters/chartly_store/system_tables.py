"""What an engine says of its tables."""

from chartly_store.engine_port import Engine


def columns(engine: Engine, database: str, table: str) -> dict[str, str]:
    """A table's columns and the engine's types; empty if it is not there."""
    found = engine.rows(
        "SELECT name, type FROM system.columns "
        "WHERE database = {database:String} AND table = {table:String} ORDER BY position",
        {"database": database, "table": table},
    )
    return {str(name): str(kind) for name, kind in found}


def columns_by_table(engine: Engine, database: str) -> dict[str, list[str]]:
    """The names of the columns of every table and view of a database."""
    rows = engine.rows(
        "SELECT table, name FROM system.columns WHERE database = {database:String} "
        "ORDER BY table, position",
        {"database": database},
    )
    tables: dict[str, list[str]] = {}
    for table, name in rows:
        tables.setdefault(str(table), []).append(str(name))
    return tables


def partition_key(engine: Engine, database: str, table: str) -> str:
    """How a table is cut into partitions; empty if it is not."""
    return _property(engine, database, table, "partition_key")


def sorting_key(engine: Engine, database: str, table: str) -> str:
    """What the rows of a table are ordered by."""
    return _property(engine, database, table, "sorting_key")


def indexes(engine: Engine, database: str, table: str) -> list[tuple[str, str]]:
    """The skip indexes of a table: what each is on, and its type."""
    found = engine.rows(
        "SELECT expr, type FROM system.data_skipping_indices "
        "WHERE database = {database:String} AND table = {table:String}",
        {"database": database, "table": table},
    )
    return [(str(expression), str(kind)) for expression, kind in found]


def identity(engine: Engine, database: str, table: str) -> str:
    """What a table keeps whatever its name becomes."""
    return _property(engine, database, table, "uuid")


def _property(engine: Engine, database: str, table: str, column: str) -> str:
    """What the engine's list of tables says of one."""
    rows = engine.rows(
        f"SELECT {column} FROM system.tables "
        f"WHERE database = {{database:String}} AND name = {{table:String}}",
        {"database": database, "table": table},
    )
    return str(rows[0][0])


def size(engine: Engine, database: str, tables: list[str]) -> int:
    """The compressed bytes of the rows of tables; none of one that is not there."""
    found = engine.rows(
        "SELECT sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = {database:String} AND table IN {tables:Array(String)}",
        {"database": database, "tables": tables},
    )
    return int(str(found[0][0]))


def read_only_replicas(engine: Engine, database: str) -> list[str]:
    """The tables of a database that are replicated and accept no rows at present."""
    parameters = {"database": database}
    replicated = engine.rows(
        "SELECT count() FROM system.tables "
        "WHERE database = {database:String} AND engine LIKE 'Replicated%'",
        parameters,
    )
    if replicated == [(0,)]:
        # Users that were made by an earlier version have no right on the next table.
        return []
    found = engine.rows(
        "SELECT table FROM system.replicas "
        "WHERE database = {database:String} AND is_readonly ORDER BY table",
        parameters,
    )
    return [str(name) for (name,) in found]
