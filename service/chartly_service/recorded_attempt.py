"""An attempt of a run as a store recorded it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class RecordedAttempt(Protocol):
    """One attempt, begun or ended."""

    @property
    def run_id(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def config_digest(self) -> str: ...

    @property
    def ingested_at(self) -> datetime: ...

    @property
    def reason(self) -> str:
        """How it ended; empty where it has not."""
        ...

    @property
    def audit_head(self) -> str:
        """The end of its audit chain."""
        ...

    @property
    def outcome(self) -> Mapping[str, Any]:
        """Counts and outputs; empty where it has not ended."""
        ...
