import io
import json
import logging

import pytest

from chartly.errors import Reason
from chartly_connector.connector_report import log_to, print_line, termination
from chartly_connector.secrets import Credential
from chartly_spool.segment import Counters, End
from support.connecting import CANARY

CREDENTIAL = Credential("a/b", CANARY, None)
COUNTERS = Counters(3, 5, 2, 4096, 1.5, {"200": 3, "503": 2})


@pytest.fixture
def log():
    logger = logging.getLogger("chartly_connector")
    before = (logger.handlers, logger.level, logger.propagate)
    stream = io.StringIO()
    log_to(stream, CREDENTIAL)
    yield stream
    logger.handlers, level, logger.propagate = before
    logger.setLevel(level)


def test_inv_6_log_lines_are_json_and_hold_no_secret(log):
    logging.getLogger("chartly_connector.pull").info("page %d from %s", 1, f"https://a/{CANARY}")
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("chartly_connector.pull").exception("a bug")
    first, second = map(json.loads, log.getvalue().splitlines())
    assert first["level"] == "info"
    assert first["logger"] == "chartly_connector.pull"
    assert first["message"] == "page 1 from https://a/***"
    assert first["time"].endswith("+00:00")
    assert "trace" not in first
    assert second["trace"].endswith("invalid literal for int() with base 10: '***'")
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize(
    "message",
    ["", "short", "\u20ac" * 5000, "\x00" * 5000, "\U0001f600" * 5000, '"' * 5000, CANARY * 100],
)
def test_inv_6_the_termination_message_is_small_whole_and_holds_no_secret(message):
    text = termination(End(3, Reason.LIMIT_REACHED, message, COUNTERS), CREDENTIAL)
    assert len(text.encode()) <= 4096
    found = json.loads(text)
    assert found["reason"] == "LimitReached"
    assert found["counters"]["codes"] == {"200": 3, "503": 2}
    assert bool(found["message"]) == bool(message)
    assert CANARY not in text


def test_what_a_person_reads_goes_to_standard_error(capsys):
    print_line("one line")
    assert capsys.readouterr() == ("", "one line\n")
