from pathlib import Path

import pytest

from chartly_spool.spool_argument import spool_of


@pytest.mark.parametrize(
    ("arguments", "path", "because"),
    [
        (["--spool", "/a"], Path("/a"), "two arguments"),
        (["--new=1", "--spool=/a", "rest"], Path("/a"), "beside some that nobody knows"),
        (["--spool-limit=1"], None, "another one that begins so"),
        (["--spool"], None, "without a value"),
        ([], None, "none at all"),
    ],
)
def test_the_spool_is_found(arguments, path, because):
    assert spool_of(arguments) == path, because
