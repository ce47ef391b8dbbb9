"""Rebuilds a dataset's table beside it, and exchanges both (docs/adr/0010-stored-tables.md)."""

from collections.abc import Callable

from chartly.errors import Reason, RunError
from chartly.load.dataset_tables import data_table
from chartly.load.rebuild import Rebuild, aside_table
from chartly_store.engine_port import Engine
from chartly_store.exchange import exchange


def rebuild(engine: Engine, plan: Rebuild, check_turn: Callable[[], None]) -> None:
    """Copies a dataset's rows to a table of another layout, and exchanges the two tables.

    Killed anywhere, the stored table is the old one or the new one, complete; the other one is
    dropped by the next ``ensure_dataset``.

    Args:
        check_turn: raises where the attempt may not write any more.

    Raises:
        RunError: ``SchemaIncompatible``: a value does not fit its new type; nothing has changed.
    """
    check_turn()
    _check_fit(engine, plan)
    engine.command(plan.create())
    for (part,) in engine.rows(plan.partitions()):
        engine.command(plan.copy(), {"part": part})
    engine.command(plan.copy_tombstones())
    check_turn()
    # Compared last: rows that were added meanwhile are not in the copy.
    if engine.rows(plan.stored_content()) != engine.rows(plan.copied_content()):
        engine.command(plan.drop())
        raise RunError(
            Reason.STORE_UNAVAILABLE,
            f"dataset {plan.storage.dataset!r}: its rows changed while they were moved to another "
            f"layout; nothing was changed by that",
        )
    dataset = plan.storage.dataset
    exchange(engine, plan.database, aside_table(dataset), data_table(dataset), check_turn)
    engine.command(plan.drop())


def _check_fit(engine: Engine, plan: Rebuild) -> None:
    for cast in plan.evolution.casts:
        count, bad, key = engine.rows(plan.misfits(cast))[0]
        if bad:
            raise RunError(
                Reason.SCHEMA_INCOMPATIBLE,
                f"dataset {plan.storage.dataset!r}: column {cast.column.strip('`')!r} is stored as "
                f"{cast.stored} and declared as {cast.wanted}, which {bad} of {count} values do "
                f"not fit exactly, the one of event {key!r} among them; nothing was changed; "
                f"correct them, declare another type, or write another dataset",
            )
