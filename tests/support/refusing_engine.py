"""An embedded engine that refuses some of what it is asked."""

import re
from pathlib import Path
from typing import Any

from chartly.errors import RunError
from chartly_store import embedded
from chartly_store.driver import refused

SAYS = "Code: 999. DB::Exception: not today"


class RefusingEngine:
    """Passes every call on, but those whose SQL, or ``insert <table>``, matches."""

    def __init__(self, engine: Any, pattern: str) -> None:
        self._engine = engine
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if name not in {"command", "rows", "arrow", "insert"}:
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            said = f"insert {arguments[1]}" if name == "insert" else str(arguments[0])
            if re.search(self._pattern, said):
                raise self.refusal
            return found(*arguments, **more)

        return call

    @property
    def refusal(self) -> RunError:
        return refused(SAYS)


def refuse(monkeypatch: Any, pattern: str) -> None:
    """Lets every store that is opened from now on refuse what matches."""
    real = embedded.open_embedded

    def opened(path: Path) -> RefusingEngine:
        return RefusingEngine(real(path), pattern)

    monkeypatch.setattr(embedded, "open_embedded", opened)
