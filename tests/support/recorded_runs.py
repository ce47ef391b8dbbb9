"""Runs that are recorded in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from chartly_service.runs import RunIntent


@dataclass
class MemoryRun:
    """A run in memory."""

    intent: RunIntent
    result: Mapping[str, Any] | None = None
    running: bool | None = False

    @property
    def name(self) -> str:
        return f"runs/{self.intent.run_id}"

    def is_running(self) -> bool | None:
        return self.running

    def next_attempt(self, evidence: dict[str, Any]) -> None:
        self.intent = replace(self.intent, attempt=self.intent.attempt + 1, evidence=evidence)

    def finish(self, result: Mapping[str, Any]) -> None:
        self.result = result


@dataclass
class MemoryRuns:
    """The runs, oldest first."""

    kept: list[MemoryRun] = field(default_factory=list)
    is_open: bool = False

    def all(self) -> list[MemoryRun]:
        return self.kept

    def begin(self, intent: RunIntent, snapshot: bytes) -> MemoryRun:
        assert snapshot
        self.kept.append(MemoryRun(intent))
        return self.kept[-1]

    def new_id(self, workflow: str) -> str:
        return f"{workflow}-{len(self.kept) + 1}"

    @contextmanager
    def opened(self) -> Iterator["MemoryRuns"]:
        self.is_open = True
        yield self
        self.is_open = False


def intent_of(run_id: str, **fields: Any) -> RunIntent:
    """The intent of a first attempt."""
    intent = RunIntent(
        run_id=run_id,
        workflow="sales-onboard",
        version="1.0.0",
        project="tenant-demo/proj-sales",
        config_digest="sha256:0",
        run_digest="sha256:1",
        frozen_at="2026-02-02T12:00:00.000+00:00",
        attempt=1,
        window=None,
        evidence={},
    )
    return replace(intent, **fields)
