"""Exchanges two tables exactly once, however often the statement is sent."""

from collections.abc import Callable

from chartly.errors import Reason, RunError
from chartly.load.sql import qualified
from chartly_store.engine_port import Engine
from chartly_store.system_tables import identity

_ATTEMPTS = 10


def unfenced() -> None:
    """Checks nothing: a store with one owner has no other writer."""


def exchange(
    engine: Engine,
    database: str,
    replacement: str,
    table: str,
    check_turn: Callable[[], None] = unfenced,
) -> None:
    """Exchanges two tables, until ``table`` is the name of the former ``replacement``.

    An engine repeats a statement whose response was lost, and two exchanges cancel each other.

    Args:
        check_turn: raises where the attempt may not write any more; called before each exchange,
            since two attempts that both exchange would undo each other's work.

    Raises:
        RunError: ``StoreUnavailable``: the tables are not exchanged after ten statements.
    """
    wanted = identity(engine, database, replacement)
    for _ in range(_ATTEMPTS):
        if identity(engine, database, table) == wanted:
            return
        check_turn()
        engine.command(
            f"EXCHANGE TABLES {qualified(database, replacement)} AND {qualified(database, table)}"
        )
    if identity(engine, database, table) != wanted:
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"table {table!r}: is not exchanged with {replacement!r} after {_ATTEMPTS} statements",
        )
