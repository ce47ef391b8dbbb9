import pytest

from support.custom_resources import path_of


@pytest.fixture
def kept(rig):
    """Creates objects on the module's rig, and removes them after the test."""
    paths = []

    def create(document):
        rig.client.call("POST", path_of(document.content, named=False), document.content)
        paths.append(path_of(document.content))
        return rig.client.call("GET", paths[-1])

    yield create
    for path in paths:
        rig.client.call("DELETE", path)
