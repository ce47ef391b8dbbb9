"""Run folders: the intent of a run before it starts, its snapshot, and what it left."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chartly.api.workflow_run import RUN_NAME_LENGTH

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_SUFFIX = 6
INTENT = "run.json"
RESULT = "result.json"
SNAPSHOT = "snapshot.json"
METRICS = "metrics.prom"


@dataclass(frozen=True)
class Intent:
    """What a run is about to do; it stands on disk before anything starts.

    Attributes:
        frozen_at: the freeze time, which is ``ingested_at`` of every event of the run.
        evidence: options that change where the run goes, such as ``--connect-to``.
        store: the server that it loads into; empty: the folder's own store.
    """

    run_id: str
    workflow: str
    version: str
    project: str
    config_digest: str
    run_digest: str
    frozen_at: str
    attempt: int
    window: tuple[str, str] | None
    evidence: dict[str, Any]
    store: str = ""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.frozen_at).astimezone(UTC)


def new_run_id(workflow: str) -> str:
    """A fresh run name, such as ``sales-onboard-7f3k2m``."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX))
    return f"{workflow[: RUN_NAME_LENGTH - _SUFFIX - 1]}-{suffix}"


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def intent(self) -> Intent:
        """The intent as it was written."""
        raw = json.loads((self.path / INTENT).read_bytes())
        window = raw["window"]
        return Intent(**{**raw, "window": tuple(window) if window else None})

    @property
    def result(self) -> dict[str, Any] | None:
        """What the run left, once it has ended."""
        path = self.path / RESULT
        found: dict[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None
        return found

    def begin(self, intent: Intent, snapshot: bytes) -> None:
        """Makes the intent durable; nothing has started before it returns."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_durably(self.path / SNAPSHOT, snapshot)
        write_durably(self.path / INTENT, json.dumps(asdict(intent), indent=2).encode())

    def next_attempt(self, evidence: dict[str, Any]) -> Intent:
        """The intent of the attempt after this one, with its own options, made durable."""
        before = self.intent
        intent = replace(before, attempt=before.attempt + 1, evidence=evidence)
        write_durably(self.path / INTENT, json.dumps(asdict(intent), indent=2).encode())
        return intent

    def finish(self, result: dict[str, Any]) -> None:
        """Records how the run ended."""
        write_durably(self.path / RESULT, json.dumps(result, indent=2).encode())


def run_folders(state: Path) -> list[RunFolder]:
    """Every run of the folder that has an intent, oldest first."""
    found = (path.parent for path in (state / "runs").glob(f"*/{INTENT}"))
    folders = [RunFolder(path) for path in found]
    return sorted(folders, key=lambda one: one.intent.frozen_at)


def write_durably(path: Path, content: bytes) -> None:
    """A file that is there whole, or not at all, also after a power cut."""
    hidden = path.with_name(f".{path.name}.tmp")
    with hidden.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
