"""The log of connector and loader."""

import json
import logging

from chartly_spool.log_lines import JsonLines


def test_a_log_line_is_one_json_object_without_secrets():
    """INV-6: also in arguments and traces."""
    form = JsonLines(lambda one: one.replace("canary", "***"))
    try:
        raise ValueError("canary\nin two lines")  # noqa: TRY301 - a trace is wanted
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("chartly_loader", logging.ERROR, "", 1, "a %s", ("canary",), info)
    line = form.format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["message"], said["logger"]) == ("error", "a ***", "chartly_loader")
    assert "***" in said["trace"]
    assert "canary" not in line
