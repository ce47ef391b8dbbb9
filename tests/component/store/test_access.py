"""The Secret ``chartly-store``: what is read of it, and what is told of what it lacks."""

import pytest

from chartly.errors import Reason, RunError
from chartly_store.access import Access, read_access
from chartly_store.server import open_server
from support.store_refusals import PASSWORD


def secret(folder, **changes):
    values = {
        "url": "https://store.example:9440",
        "username": "loader",
        "password": PASSWORD,
        **changes,
    }
    for key, value in values.items():
        if value is not None:
            (folder / key).write_bytes(value if isinstance(value, bytes) else value.encode())
    return folder


def test_the_secret_says_where_and_who(tmp_path):
    found = read_access(secret(tmp_path, password=PASSWORD + "\n"))
    assert found == Access("https", "store.example", 9440, "loader", PASSWORD)
    assert found.url == "https://store.example:9440"
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://store", "http://store:8123"),
        ("https://store/", "https://store:8443"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_the_port_may_be_the_usual_one(tmp_path, url, told):
    assert read_access(secret(tmp_path, url=url)).url == told


MUST = "must be http(s)://host:port and nothing else"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": None}, "key 'url': {folder}/url is not there"),
        ({"username": None}, "key 'username': {folder}/username is not there"),
        ({"password": None}, "key 'password': {folder}/password is not there"),
        ({"password": ""}, "key 'password': {folder}/password is empty or holds control characters"),
        ({"password": f"{PASSWORD}\n{PASSWORD}"}, "key 'password': {folder}/password is empty or holds control characters"),
        ({"password": b"\xff"}, "key 'password': {folder}/password is not readable as text"),
        ({"url": f"http://loader:{PASSWORD}@store"}, f"key 'url': {MUST}"),
        ({"url": f"http://store/?password={PASSWORD}"}, f"key 'url': {MUST}"),
        ({"url": "http://store/path"}, f"key 'url': {MUST}"),
        ({"url": "http://store#part"}, f"key 'url': {MUST}"),
        ({"url": "tcp://store:9000"}, f"key 'url': {MUST}"),
        ({"url": "http://"}, f"key 'url': {MUST}"),
        ({"url": "http://store:many"}, f"key 'url': {MUST}"),
        ({"url": "http://store:0"}, f"key 'url': {MUST}"),
        ({"url": "http://[store"}, f"key 'url': {MUST}"),
    ],
)  # fmt: skip
def test_a_secret_that_lacks_something_is_named(tmp_path, changes, says):
    """INV-10 and INV-6: object and key, never a value."""
    with pytest.raises(RunError) as caught:
        open_server(secret(tmp_path, **changes))
    assert caught.value.reason is Reason.SECRET_MISSING
    assert caught.value.message == f"secret 'chartly-store' {says.format(folder=tmp_path)}"


def test_an_empty_password_hides_nothing_and_spoils_no_sentence():
    """The administrator of a server that was just installed has none."""
    access = Access("http", "store", 8123, "default", "")
    assert access.redacted("Code: 516. Authentication failed") == "Code: 516. Authentication failed"
    assert access.redacted("Basic ZGVmYXVsdDo= was sent") == "Basic *** was sent"
