"""Files that a power cut leaves whole."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Writes a file that is there whole, or not at all, also after a power cut."""
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
