"""Run folders: the intent of a run before it starts, its snapshot, and what it left."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chartly.api.workflow_run import RUN_NAME_LENGTH
from chartly_folder.durable_file import write_durably
from chartly_folder.state_folder import LOCK
from chartly_service.runs import RunIntent
from chartly_spool.file_lock import Peer, holder, peer
from chartly_spool.spool_side import Side

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_SUFFIX = 6
_RUNS = "runs"
INTENT = "run.json"
RESULT = "result.json"
SNAPSHOT = "snapshot.json"
METRICS = "metrics.prom"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def name(self) -> str:
        """Where it is recorded, as messages name it."""
        return str(self.path)

    @property
    def intent(self) -> RunIntent:
        """The intent as it was written."""
        raw = json.loads((self.path / INTENT).read_bytes())
        window = raw["window"]
        return RunIntent(**{**raw, "window": tuple(window) if window else None})

    @property
    def result(self) -> dict[str, Any] | None:
        """What the run left, once it has ended."""
        try:
            content = (self.path / RESULT).read_bytes()
        except FileNotFoundError:
            return None
        result: dict[str, Any] = json.loads(content)
        return result

    @property
    def metrics(self) -> Path:
        """The file of the metrics of its last attempt."""
        return self.path / METRICS

    def spool(self, attempt: int) -> Path:
        """The folder of what the connector of an attempt fetches."""
        return self.path / f"spool-{attempt}"

    def is_running(self) -> bool | None:
        """Whether a process works on it; None where that cannot be known.

        Connector and loader hold locks in the spool, but not yet at their start and no longer at
        their end; what holds the state folder then may be any command.
        """
        spool = self.spool(self.intent.attempt)
        if any(_is_held(side.lock_file(spool)) for side in Side):
            return True
        process = holder(self.path.parent.parent / LOCK)
        return None if process and _is_alive(int(process)) else False

    def begin(self, intent: RunIntent, snapshot: bytes) -> None:
        """Makes the intent durable; nothing has started before it returns."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_durably(self.path / SNAPSHOT, snapshot)
        self._write_intent(intent)

    def next_attempt(self, evidence: dict[str, Any]) -> RunIntent:
        """The intent of the attempt after this one, with its own options, made durable."""
        before = self.intent
        intent = replace(before, attempt=before.attempt + 1, evidence=evidence)
        self._write_intent(intent)
        return intent

    def finish(self, result: Mapping[str, Any]) -> None:
        """Records how the run ended."""
        write_durably(self.path / RESULT, json.dumps(result, indent=2).encode())

    def _write_intent(self, intent: RunIntent) -> None:
        write_durably(self.path / INTENT, json.dumps(asdict(intent), indent=2).encode())


@dataclass(frozen=True)
class RunFolders:
    """The runs of a state folder."""

    state: Path

    def all(self) -> list[RunFolder]:
        """Every run that has an intent, oldest first."""
        folders = [RunFolder(path.parent) for path in (self.state / _RUNS).glob(f"*/{INTENT}")]
        return sorted(folders, key=lambda folder: folder.intent.frozen_at)

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a run, which need not be there."""
        return RunFolder(self.state / _RUNS / run_id)

    def begin(self, intent: RunIntent, snapshot: bytes) -> RunFolder:
        """Records the intent and the frozen inputs of a run, durably."""
        folder = self.folder(intent.run_id)
        folder.begin(intent, snapshot)
        return folder

    def new_id(self, workflow: str) -> str:
        """A fresh run name, such as ``sales-onboard-7f3k2m``."""
        suffix = "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX))
        return f"{workflow[: RUN_NAME_LENGTH - _SUFFIX - 1]}-{suffix}"


def _is_held(lock: Path) -> bool:
    try:
        return peer(lock) is Peer.ALIVE
    except FileNotFoundError:
        # The spool went in between.
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
