"""This machine as the place where runs are started: its packages, disk, secrets and store."""

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chartly.api.connector import SecretRef
from chartly.egress.credential_echo import SHORTEST
from chartly.egress.secret_value import secret_objection, secret_value
from chartly.errors import ChartlyError, Reason
from chartly_cli.store_binding import Binding, FolderBinding
from chartly_service.prerequisites import Prerequisite

_PYTHON = (3, 11)
_FREE_BYTES = 512 * 1024 * 1024
_OPEN_TO_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_ENGINE = ("clickhouse_connect", "pyarrow", "httpx", "sqlglot")
_EMBEDDED = "chdb"


@dataclass(frozen=True)
class LocalSite:
    """A folder on this machine.

    Attributes:
        secrets: the folder of secrets; each is NAME/KEY.
    """

    root: Path
    secrets: Path
    binding: Binding

    def machine(self) -> Iterator[Prerequisite]:
        """What every run needs of the machine."""
        version = ".".join(map(str, sys.version_info[:3]))
        sentence = f"Python {version}; needed is 3.11"
        yield Prerequisite("environment", sys.version_info >= _PYTHON, sentence)
        yield self._services()
        existing = _existing(self.root)
        writable = os.access(existing, os.W_OK)
        sentence = f"{self.root} is {'' if writable else 'not '}writable"
        yield Prerequisite("folder", writable, sentence)
        free = shutil.disk_usage(existing).free
        sentence = f"{free >> 20} MiB are free; needed are {_FREE_BYTES >> 20}"
        yield Prerequisite("disk", free >= _FREE_BYTES, sentence)

    def secret(self, reference: SecretRef, connector: str) -> Prerequisite:
        """Whether the secret of a connector is there and usable."""
        path = self.secrets / reference.name / reference.key
        fault = _secret_fault(path)
        warning = None if fault else _secret_warning(path)
        sentence = fault or warning or f"{path} is there"
        return Prerequisite(
            "secret",
            fault is None,
            f"{reference.name!r} key {reference.key!r} of connector {connector!r}: {sentence}",
            Reason.SECRET_MISSING,
            warning=warning is not None,
        )

    def store(self) -> Iterator[Prerequisite]:
        """Whether a server answers and accepts its user; a folder's store is opened by a run."""
        if isinstance(self.binding, FolderBinding):
            return
        try:
            self.binding.check()
        except ChartlyError as error:
            yield Prerequisite("server", ok=False, sentence=error.message, reason=error.reason)
        else:
            sentence = f"{self.binding.name} answers user {self.binding.access.username!r}"
            yield Prerequisite("server", ok=True, sentence=sentence)

    def _services(self) -> Prerequisite:
        embedded = isinstance(self.binding, FolderBinding)
        needed = (*_ENGINE, _EMBEDDED) if embedded else _ENGINE
        lacking = [name for name in needed if importlib.util.find_spec(name) is None]
        if lacking:
            sentence = f"missing packages: {', '.join(lacking)}; install chartly[cli]"
        elif embedded:
            sentence = (
                "connector, normalizer, storage, analytics and audit run in this process's "
                "embedded engine; one trust domain"
            )
        else:
            sentence = (
                "connector and normalizer run here; storage, analytics and audit are "
                f"{self.binding.name}'s"
            )
        return Prerequisite("services", not lacking, sentence)


def _secret_fault(path: Path) -> str | None:
    """Why the file of a secret cannot be used, or None."""
    if not path.is_file():
        return f"it is missing; put its value into {path}"
    try:
        value = secret_value(path.read_bytes().decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return f"{path} is not readable as ASCII text"
    why = secret_objection(value)
    return None if why is None else f"{path} {why}"


def _secret_warning(path: Path) -> str | None:
    """What is unsafe about a secret that can be used, or None."""
    if path.stat().st_mode & _OPEN_TO_OTHERS:
        return f"other users can read or change {path}; run chmod 600 {path}"
    if len(secret_value(path.read_text(encoding="ascii"))) < SHORTEST:
        return (
            f"{path} holds fewer than {SHORTEST} characters, too few to be found where the API "
            "sends them back"
        )
    return None


def _existing(path: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not path.exists():
        path = path.parent
    return path
