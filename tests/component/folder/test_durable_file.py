"""A file that is written durably is whole, or what it was."""

import pytest

from chartly_folder.durable_file import write_durably


def test_a_durable_file_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_durably(path, b"one")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chartly_folder.durable_file.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"two")
    assert path.read_bytes() == b"one"
