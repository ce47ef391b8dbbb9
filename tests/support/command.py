"""The command line called in this process, and folders for it to work in."""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chartly_cli.__main__ import _run
from support.profiles import PLAYBOOK

TOKEN = "canary-5f0c1d7e9b"
"""The secret of every folder; it must never be seen anywhere but in its file (INV-6)."""


@dataclass(frozen=True)
class Outcome:
    """What a command gave back."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


def chartly(folder: Path, *arguments: str) -> Outcome:
    """``chartly -C <folder> <arguments>``, as a shell would call it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _arguments("chartly", "-C", str(folder), *arguments),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = _run()
    return Outcome(code, out.getvalue(), err.getvalue())


def chartly_json(folder: Path, *arguments: str) -> Any:
    """The JSON document of a command that succeeds."""
    outcome = chartly(folder, "--output", "json", *arguments)
    assert outcome.code == 0, outcome
    return outcome.document


@contextlib.contextmanager
def _arguments(*argv: str) -> Iterator[None]:
    before = sys.argv
    sys.argv = list(argv)
    try:
        yield
    finally:
        sys.argv = before


def sales_folder(path: Path, edits: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """A copy of the playbook with its secret.

    Args:
        edits: for a file, a text in it and what stands there instead.
    """
    shutil.copytree(PLAYBOOK, path)
    secret = path / ".chartly" / "secrets" / "sales-http" / "token"
    secret.parent.mkdir(parents=True)
    secret.write_text(TOKEN + "\n", encoding="utf-8")
    secret.chmod(0o600)
    for name, (old, new) in (edits or {}).items():
        edit(path / name, old, new)
    return path


def edit(file: Path, old: str, new: str) -> None:
    """Replaces a text that stands in a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text, (file, old)
    file.write_text(text.replace(old, new), encoding="utf-8")
