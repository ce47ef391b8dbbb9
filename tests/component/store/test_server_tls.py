"""TLS to a server: whose certificates are trusted, and which refusals are final."""

import ssl
from contextlib import closing
from dataclasses import replace

import pytest
import trustme

from chartly_store.access import read_access
from chartly_store.server import ServerEngine, open_server
from support.clickhouse_process import Serving, clickhouse
from support.store_refusals import LOADER, patience, said


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(tmp_path_factory, authority):
    folder = tmp_path_factory.mktemp("tls")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    with clickhouse(folder / "ch", [LOADER], Serving(tls=folder / "server.pem")) as running:
        yield running


@pytest.fixture
def access(secure, tmp_path):
    return read_access(secure.secret(tmp_path / "secret", LOADER))


def test_a_server_with_a_certificate_of_the_own_authority_is_trusted(secure, authority, tmp_path):
    folder = secure.secret(tmp_path, LOADER)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    with closing(open_server(folder)) as engine:
        assert engine.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("other", "host", "says"),
    [
        (False, "127.0.0.1", "its certificate is not trusted: unable to get local issuer certificate"),
        (True, "127.0.0.1", "its certificate is not trusted: unable to get local issuer certificate"),
        (False, "localhost", "its certificate is not trusted: "),
    ],
    ids=["no authority", "another authority", "another name"],
)  # fmt: skip
def test_a_certificate_that_proves_nothing_is_refused_at_once(
    secure, authority, tmp_path, other, host, says
):
    folder = secure.secret(tmp_path, LOADER)
    if other:
        trustme.CA().cert_pem.write_to_path(str(folder / "ca.crt"))
    if host == "localhost":
        authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    waits = []
    access = replace(read_access(folder), host=host)
    assert says in said(lambda: ServerEngine(access, patience(waits.append)))
    assert waits == []


def test_an_authority_that_is_none_is_said(secure, tmp_path):
    folder = secure.secret(tmp_path, LOADER)
    (folder / "ca.crt").write_text("not PEM")
    assert said(lambda: open_server(folder)).endswith("ca.crt must be a file of PEM certificates")


def test_tls_is_at_least_1_2(access):
    from chartly_store.server import _trust

    context = _trust(access)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
