"""Reads the engine's system tables: columns, keys, indexes, sizes and replicas of tables."""

from chartly_store.engine_port import Engine


def columns(engine: Engine, database: str, table: str) -> dict[str, str]:
    """A table's columns and the engine's types; empty where it does not exist."""
    rows = engine.rows(
        "SELECT name, type FROM system.columns "
        "WHERE database = {database:String} AND table = {table:String} ORDER BY position",
        {"database": database, "table": table},
    )
    return {str(name): str(kind) for name, kind in rows}


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
    """The partition key of a table; empty without one."""
    return _property(engine, database, table, "partition_key")


def sorting_key(engine: Engine, database: str, table: str) -> str:
    """The sorting key of a table."""
    return _property(engine, database, table, "sorting_key")


def indexes(engine: Engine, database: str, table: str) -> list[tuple[str, str]]:
    """The skip indexes of a table: the expression and type of each."""
    rows = engine.rows(
        "SELECT expr, type FROM system.data_skipping_indices "
        "WHERE database = {database:String} AND table = {table:String}",
        {"database": database, "table": table},
    )
    return [(str(expression), str(kind)) for expression, kind in rows]


def identity(engine: Engine, database: str, table: str) -> str:
    """The UUID of a table, which it keeps when it is renamed."""
    return _property(engine, database, table, "uuid")


def _property(engine: Engine, database: str, table: str, column: str) -> str:
    """A column of the engine's list of tables."""
    rows = engine.rows(
        f"SELECT {column} FROM system.tables "
        f"WHERE database = {{database:String}} AND name = {{table:String}}",
        {"database": database, "table": table},
    )
    return str(rows[0][0])


def size(engine: Engine, database: str, tables: list[str]) -> int:
    """The compressed bytes of the rows of tables; 0 for a table that does not exist."""
    rows = engine.rows(
        "SELECT sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = {database:String} AND table IN {tables:Array(String)}",
        {"database": database, "tables": tables},
    )
    return int(str(rows[0][0]))


def read_only_replicas(engine: Engine, database: str) -> list[str]:
    """The replicated tables of a database that accept no rows at present."""
    parameters = {"database": database}
    replicated = engine.rows(
        "SELECT count() FROM system.tables "
        "WHERE database = {database:String} AND engine LIKE 'Replicated%'",
        parameters,
    )
    if replicated == [(0,)]:
        # Users that an earlier version created have no grant for the next table.
        return []
    rows = engine.rows(
        "SELECT table FROM system.replicas "
        "WHERE database = {database:String} AND is_readonly ORDER BY table",
        parameters,
    )
    return [str(name) for (name,) in rows]
