import itertools
from contextlib import closing

import pytest

from chartly.api.reference import Project
from chartly_store.embedded import open_embedded

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One store for a module: a process can have only one open."""
    with closing(open_embedded(tmp_path_factory.mktemp("store"))) as opened:
        yield opened


@pytest.fixture
def project():
    """A project of the test's own."""
    return Project("tenant-test", f"p-{next(NUMBERS)}")
