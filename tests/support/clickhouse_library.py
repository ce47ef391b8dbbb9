"""The library that holds ClickHouse's own server, as a package registry has it.

``python -m support.clickhouse_library`` fetches it and prints its path, or why there is none.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster.layout import CACHE
from cluster.locks import locked

_PACKAGE = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
_SHA256 = "c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad"
_MEMBER = "package/libchdb.so"
_FOLDER = CACHE / "clickhouse"
_SECONDS = 600


def why_not() -> str | None:
    """Why this machine has no server to test against; None where it has one, or can fetch it."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "the ClickHouse server of the tests is built for Linux on x86-64"
    if shutil.which("npm") is None and not _path().exists():
        return "the ClickHouse server of the tests comes from npm, which is not installed"
    return None


def server_library() -> Path:
    """The shared library, fetched where this machine does not have it yet.

    Raises:
        RuntimeError: npm failed, or gave other bytes than those that were pinned.
    """
    path = _path()
    if not path.exists():
        with locked(_FOLDER / "fetch.lock"):
            if not path.exists():
                _fetch(path)
    return path


def _path() -> Path:
    return _FOLDER / f"libchdb-{_SHA256[:16]}.so"


def _fetch(path: Path) -> None:
    with TemporaryDirectory(dir=_FOLDER) as scratch:
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, _PACKAGE]
        ended = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        if ended.returncode:
            raise RuntimeError(f"npm pack {_PACKAGE}: {ended.stderr.strip()[-500:]}")
        archive = next(Path(scratch).glob("*.tgz"))
        _check(archive)
        with tarfile.open(archive) as members, (Path(scratch) / "library").open("wb") as target:
            member = members.extractfile(_MEMBER)
            assert member is not None
            shutil.copyfileobj(member, target, 1 << 20)
        (Path(scratch) / "library").replace(path)


def _check(archive: Path) -> None:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != _SHA256:
        raise RuntimeError(f"{_PACKAGE}: has SHA-256 {digest}, must have {_SHA256}")


if __name__ == "__main__":
    print(why_not() or server_library())
