from contextlib import ExitStack

import pytest

from support.connecting import Rig
from support.http_servers import authority


@pytest.fixture(scope="session")
def trust(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def rig(trust):
    """Servers and clients that end with the test."""
    with ExitStack() as stack:
        yield Rig(trust, stack)
