"""Calls of other programs, with nothing in their environment that leads elsewhere."""

import os
import subprocess
from pathlib import Path

Word = str | int | Path


def environment(**more: str) -> dict[str, str]:
    """This process's environment without proxies: a rig is reached directly."""
    kept = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | more


def words(*command: Word) -> list[str]:
    return [str(word) for word in command]


def call(*command: Word, text: str | None = None, folder: Path | None = None) -> str:
    """What ``command`` prints.

    Raises:
        RuntimeError: it failed; the message is what it printed last.
    """
    done = subprocess.run(
        words(*command),
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(f"{' '.join(words(*command)[:4])} ended with {done.returncode}: {said}")
    return done.stdout


def show(*command: Word, folder: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Runs ``command`` in the open, at low priority, since it may take minutes.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        words("nice", "-n", 10, *command), cwd=folder, env=env, check=False, stdout=2
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words(*command)[:4])} ended with {done.returncode}")
