"""What the options of the store may say, and how a server that cannot be used is told of."""

import socket
import subprocess
import sys

import pytest
import trustme

from support.clickhouse_access import User
from support.clickhouse_process import Serving, clickhouse
from support.command import chartly, sales_folder
from support.store_places import LOADER, login

pytestmark = pytest.mark.timeout(120)
DATABASE = "tenant_demo__proj_sales"
STRANGER = User("stranger", "canary-stranger-77", ())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), [LOADER, STRANGER]) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sales_folder(tmp_path_factory.mktemp("workspace") / "sales")


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("canary-password-3d\n")
    return path


def ask(folder, *options):
    """The one sentence and the exit code of a query that cannot be asked."""
    outcome = chartly(folder, "query", "SELECT 1", *options)
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert "canary" not in outcome.err
    return outcome.code, outcome.err.strip()


URL = ("--store-url", "http://127.0.0.1:9")
MISTAKES = [
    (["--store-url", ""], "--store-url: is empty; give it a value, or leave it out", "empty is not absent"),
    (["--store-url", " "], "--store-url: is empty", "nor is a blank"),
    (["--store-url", "ftp://x"], "--store-url: must be http(s)://host:port and nothing else", "no such scheme"),
    (["--store-url", "http://u:canary@x"], "--store-url: must be http(s)://host:port", "a password is not shown"),
    (["--store-user", "x"], "--store-user: names no server; give --store-url or CHARTLY_STORE_URL", "of no server"),
    (["--store-password-file", "x"], "--store-password-file: names no server", "of no server"),
    (["--store-cacert", "x"], "--store-cacert: names no server", "of no server"),
    ([*URL, "--store-user", ""], "--store-user: is empty", "empty is not absent"),
    ([*URL, "--store-user", "a\nb"], '--store-user: "a\\nb" holds control characters', "no header takes it"),
    ([*URL, "--store-password-file", ""], "--store-password-file: is empty", "empty is not absent"),
    ([*URL, "--store-password-file", "/nowhere"], "--store-password-file /nowhere: No such file or directory", "no file"),
    ([*URL, "--store-password-file", "/dev/null"], "/dev/null: its first line is empty", "no password in it"),
    ([*URL, "--store-cacert", ""], "--store-cacert: is empty", "empty is not absent"),
    ([*URL, "--store-cacert", "/nowhere"], "--store-cacert /nowhere: an http URL has no certificate", "nothing to check"),
    (["--store-url", "https://x", "--store-cacert", "/dev/null"], "/dev/null: holds no certificate in PEM", "no certificate"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "says", "because"), MISTAKES, ids=[c[2] for c in MISTAKES])
def test_a_mistake_is_one_sentence(folder, options, says, because):
    """INV-10."""
    code, said = ask(folder, *options)
    assert (code, said.startswith("error: ConfigInvalid: ")) == (3, True), said
    assert says in said, because


def test_variables_say_the_same(folder, server, password, monkeypatch):
    monkeypatch.setenv("CHARTLY_STORE_URL", "")
    assert "CHARTLY_STORE_URL: is empty" in ask(folder)[1]
    monkeypatch.delenv("CHARTLY_STORE_URL")
    monkeypatch.setenv("CHARTLY_STORE_USER", LOADER.name)
    assert "CHARTLY_STORE_USER: names no server" in ask(folder)[1]
    monkeypatch.setenv("CHARTLY_STORE_URL", server.url)
    monkeypatch.setenv("CHARTLY_STORE_PASSWORD_FILE", str(password))
    assert ask(folder)[0] == 5
    password.write_text(LOADER.password + "\r\n")
    assert "has no database" in ask(folder)[1]
    assert "--store-user: is empty" in ask(folder, "--store-user", "")[1], "an option goes first"


def test_a_wrong_password_is_a_refused_login(folder, server, password):
    options = ("--store-url", server.url, "--store-user", LOADER.name)
    for more in (("--store-password-file", str(password)), ()):
        assert ask(folder, *options, *more) == (
            5,
            (
                f"error: AuthRejected: store {server.url}: it refused user 'loader' or its password "
                "(--store-user, --store-password-file)"
            ),
        )


def test_a_closed_port_is_told(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        assert ask(folder, "--store-url", url) == (
            11, f"error: StoreUnavailable: store {url}: connection refused",
        )  # fmt: skip


def test_the_program_prints_one_sentence_and_no_stack_trace(folder):
    """INV-10: also what a driver logs, which a test's own handlers would hide."""
    command = [sys.executable, "-m", "chartly_cli", "-C", str(folder), "query", "SELECT 1"]
    done = subprocess.run(
        [*command, "--store-url", "http://127.0.0.1:1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr == (
        "error: StoreUnavailable: store http://127.0.0.1:1: connection refused\n"
    )


def test_a_certificate_of_an_unknown_authority_is_told(folder, tmp_path):
    authority, other = trustme.CA(), trustme.CA()
    chain = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    chain.write_to_path(str(tmp_path / "server.pem"))
    with clickhouse(tmp_path / "ch", [LOADER], Serving(tls=tmp_path / "server.pem")) as secure:
        options = login(secure, LOADER, tmp_path)
        for trusted, says in ((None, "its certificate is not trusted"), (other, "its certificate is not trusted"), (authority, "has no database")):  # fmt: skip
            more = ()
            if trusted is not None:
                trusted.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
                more = ("--store-cacert", str(tmp_path / "ca.pem"))
            code, said = ask(folder, *options, *more)
            assert says in said
            assert code == (3 if trusted is authority else 11)


def test_a_database_that_is_not_there_is_told(folder, server, tmp_path):
    for user in (LOADER, STRANGER):
        assert ask(folder, *login(server, user, tmp_path)) == (
            3,
            (
                f"error: PrerequisiteMissing: project tenant-demo/proj-sales has no database {DATABASE} "
                f"on {server.url} that user {user.name!r} sees; run one of its workflows first"
            ),
        )
    with server.client() as admin:
        admin.command(f"CREATE DATABASE {DATABASE}")
        assert ask(folder, *login(server, LOADER, tmp_path)) == (
            3,
            (
                f"error: PrerequisiteMissing: database {DATABASE} of project tenant-demo/proj-sales "
                f"holds no run on {server.url} that user 'loader' sees; run one of its workflows first"
            ),
        )
        admin.command(f"DROP DATABASE {DATABASE}")


@pytest.mark.parametrize("fault", ["a wrong password", "a closed port"])
def test_a_run_tells_it_before_an_api_is_asked(folder, server, password, fault):
    url = server.url if fault == "a wrong password" else "http://127.0.0.1:1"
    options = ("--store-url", url, "--store-password-file", str(password))
    outcome = chartly(folder, "run", "sales", *options)
    assert outcome.code == (5 if fault == "a wrong password" else 11)
    assert len(outcome.errors) == 1
    assert not (folder / ".chartly" / "runs").exists()
