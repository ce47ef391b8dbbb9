"""Puts one table in the place of another, once, however often the statement is sent."""

from collections.abc import Callable

from chartly.errors import Reason, RunError
from chartly.load.sql import qualified
from chartly_store.engine_port import Engine
from chartly_store.system_tables import identity

_ATTEMPTS = 10


def _nothing() -> None:
    """Refuses nothing."""


def exchange(
    engine: Engine,
    database: str,
    replacement: str,
    table: str,
    insist: Callable[[], None] = _nothing,
) -> None:
    """Exchanges two tables, until ``table`` names what ``replacement`` named.

    An engine sends a statement again whose answer was lost, and two exchanges are none.

    Args:
        insist: raises where the attempt may not write any more; asked before each exchange, since
            two attempts that both exchange would otherwise undo each other's work.

    Raises:
        RunError: ``StoreUnavailable``: the tables are not exchanged after ten statements.
    """
    wanted = identity(engine, database, replacement)
    for _ in range(_ATTEMPTS):
        if identity(engine, database, table) == wanted:
            return
        insist()
        engine.command(
            f"EXCHANGE TABLES {qualified(database, replacement)} AND {qualified(database, table)}"
        )
    if identity(engine, database, table) != wanted:
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"table {table!r}: is not exchanged with {replacement!r} after {_ATTEMPTS} statements",
        )
