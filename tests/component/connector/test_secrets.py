import pytest

from chartly.api.connector import Auth
from chartly.errors import Reason, RunError
from chartly_connector.secrets import Credential, read_credential, redacted
from support.connecting import CANARY

BEARER = Auth.model_validate_json(
    '{"mode": "bearer", "secretRef": {"name": "sales-http", "key": "token"}}'
)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "sales-http" / "token"
    path.parent.mkdir()
    return path


def missing(folder):
    with pytest.raises(RunError) as caught:
        read_credential(BEARER, folder)
    assert caught.value.reason is Reason.SECRET_MISSING
    return caught.value.message


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_a_file_without_its_last_line_end(tmp_path, secret, end):
    secret.write_bytes((CANARY + end).encode())
    credential = read_credential(BEARER, tmp_path)
    assert credential == Credential("sales-http/token", CANARY, None)
    assert CANARY not in repr(credential)


def test_no_auth_needs_no_secret(tmp_path):
    assert read_credential(Auth(), tmp_path) is None


def test_a_secret_that_is_not_there_is_named_with_its_path(tmp_path):
    path = tmp_path / "sales-http" / "token"
    assert missing(tmp_path) == f"secret 'sales-http' key 'token': {path} is not there"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"   ", "holds only space"),
        (b" canary", "has space or an empty line around the token"),
        (b"canary \n", "has space or an empty line around the token"),
        (b"canary\n\n", "has space or an empty line around the token"),
        (b"can\nary", "holds more than one line; put the token alone into it"),
        (b"canary\r\nX-Admin: 1", "holds more than one line; put the token alone into it"),
        (b"can\x00ary", "holds a control character, such as a tab"),
        (b"can\x7fary", "holds a control character, such as a tab"),
        (b"can\tary", "holds a control character, such as a tab"),
        (b"can\xc3\xa4ry", "is not readable as ASCII text"),
        (b"\xff\xfe", "is not readable as ASCII text"),
        (
            b"Bearer canary",
            "begins with 'Bearer', which auth.mode sends itself; put the token alone into it",
        ),
        (b"canary" * 2000, "holds 12000 characters; allowed are 8192"),
    ],
)
def test_inv_6_what_no_header_may_carry_is_refused_without_being_shown(
    tmp_path, secret, content, says
):
    secret.write_bytes(content)
    message = missing(tmp_path)
    assert message == f"secret 'sales-http' key 'token': {secret} {says}"
    assert "canary" not in message


def test_a_folder_is_no_secret(tmp_path, secret):
    secret.mkdir()
    assert missing(tmp_path).endswith("is not readable as ASCII text")


def test_a_secret_may_name_its_origins(tmp_path, secret):
    secret.write_text(CANARY)
    (secret.parent / "allowed-origins").write_text("https://a.example\n https://b.example:8443 \n")
    credential = read_credential(BEARER, tmp_path)
    assert credential.origins == {"https://a.example", "https://b.example:8443"}


def test_redaction_finds_every_occurrence():
    credential = Credential("a/b", CANARY, None)
    assert redacted(f"{CANARY}, x{CANARY}x", credential) == "***, x***x"
    assert redacted("nothing", None) == "nothing"


def test_origins_that_are_no_text_are_told(tmp_path, secret):
    secret.write_text(CANARY)
    origins = secret.parent / "allowed-origins"
    origins.write_bytes(b"https://a.example\xff")
    says = f"secret 'sales-http' key 'allowed-origins': {origins} is not ASCII text"
    assert missing(tmp_path) == says
