"""An engine whose process gets a signal at a moment of its work, whatever it does then."""

import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "tear": signal.SIGKILL}


@dataclass(frozen=True)
class Moment:
    """When it comes.

    Attributes:
        signal: ``kill``, ``stop``, or ``tear``: a kill in the middle of an insert, whose last part
            is written but has not got its name yet.
        match: a regular expression that a call must hold: ``insert <table>``, or its SQL.
        number: at which of the calls that match, from 1.
        when: ``before`` or ``after`` the call, or ``within``: so long after it began.
    """

    signal: str
    match: str = ""
    number: int = 1
    when: str = "within"
    seconds: float = 0.0

    @property
    def words(self) -> list[str]:
        """As arguments of a command."""
        return [self.signal, self.match, str(self.number), self.when, str(self.seconds)]


def moment(words: list[str]) -> Moment:
    """What ``Moment.words`` has said."""
    name, match, number, when, seconds = words
    return Moment(name, match, int(number), when, float(seconds))


class MortalEngine:
    """Passes every call on, and counts those that match."""

    def __init__(self, engine: Any, moment: Moment) -> None:
        self._engine = engine
        self._moment = moment
        self._calls = 0
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if name not in ("command", "rows", "arrow", "insert"):
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            mine = self._is_it(name, arguments)
            if mine and self._moment.signal == "tear":
                return self._tear(*arguments)
            if mine and self._moment.when == "before":
                self._strike()
            if mine and self._moment.when == "within":
                threading.Thread(target=self._strike_soon, daemon=True).start()
            result = found(*arguments, **more)
            if mine and self._moment.when == "after":
                self._strike()
            return result

        return call

    def _is_it(self, name: str, arguments: tuple[Any, ...]) -> bool:
        said = f"insert {arguments[1]}" if name == "insert" else str(arguments[0])
        if not re.search(self._moment.match, said, re.IGNORECASE):
            return False
        with self._lock:
            self._calls += 1
            return self._calls == self._moment.number

    def _strike_soon(self) -> None:
        time.sleep(self._moment.seconds)
        self._strike()

    def _strike(self) -> None:
        os.kill(os.getpid(), SIGNALS[self._moment.signal])

    def _tear(self, database: str, table: str, rows: Any) -> None:
        """Leaves an insert as one that was killed before it had renamed its last part."""
        self._engine.command(f"SYSTEM STOP MERGES `{database}`.`{table}`")
        self._engine.insert(database, table, rows)
        found = self._engine.rows(
            "SELECT path FROM system.parts WHERE active AND database = {database:String} "
            "AND table = {table:String} ORDER BY max_block_number DESC LIMIT 1",
            {"database": database, "table": table},
        )
        part = Path(str(found[0][0]))
        part.rename(part.with_name(f"tmp_insert_{part.name}"))
        self._strike()
