"""The server that ``CHARTLY_TEST_CLICKHOUSE`` gives to the contract tests.

``python -m support.clickhouse_given`` logs in, and says in one sentence why it cannot.
"""

import os
import sys
from urllib.parse import unquote, urlsplit

from chartly.errors import ChartlyError, Reason, RunError
from chartly_cli.store_login import logged_in
from chartly_store.access import Access
from chartly_store.server import Patience

VARIABLE = "CHARTLY_TEST_CLICKHOUSE"
_FORM = "http://user:password@host:port, percent-encoded"
_PORTS = {"http": 8123, "https": 8443}


def given_access() -> Access | None:
    """The server and its user; None where no server is given.

    Raises:
        RunError: ``PrerequisiteMissing``: the URL is of another form; it is not shown, since it
            may hold a password.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise RunError(Reason.PREREQUISITE_MISSING, f"{VARIABLE}: must be {_FORM}")
    user, password = (unquote(one or "") for one in (parts.username, parts.password))
    return Access(parts.scheme, parts.hostname, port, user or "default", password)


def main() -> int:
    """Returns the exit code: 0 where the server lets its user in."""
    try:
        access = given_access()
        if access is None:
            raise RunError(Reason.PREREQUISITE_MISSING, f"{VARIABLE}: is empty; must be {_FORM}")
        with logged_in(access, Patience(attempts=1), "both are of the URL") as engine:
            engine.rows("SELECT 1")
    except ChartlyError as error:
        sys.stderr.write(f"no tests were run: {error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
