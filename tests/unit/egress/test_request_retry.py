from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.connector import RetryPolicy
from chartly.egress.request_retry import Failure, is_success, retry_after, wait_seconds
from chartly.errors import Reason, RunError

NOW = datetime(2026, 2, 2, 12, 0, 0, tzinfo=UTC)
POLICY = RetryPolicy.model_validate({"maxAttempts": 4, "backoffMs": 500, "maxBackoffMs": 60_000})


def wait(failure, attempt=1, policy=POLICY, chance=0.5):
    return wait_seconds(failure, attempt, policy, now=NOW, chance=chance)


def given_up(failure, attempt=1, policy=POLICY):
    with pytest.raises(RunError) as caught:
        wait(failure, attempt, policy)
    return caught.value.reason, caught.value.message


def status(code, **headers):
    return Failure(
        f"status {code}", code, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_credential_is_not_tried_again(code):
    assert given_up(status(code)) == (
        Reason.AUTH_REJECTED,
        f"the API refused the credential with status {code}",
    )


@pytest.mark.parametrize("code", [100, 300, 304, 307, 400, 404, 405, 409, 410, 418, 422, 451])
def test_what_will_not_change_is_not_tried_again(code):
    assert given_up(status(code)) == (
        Reason.UPSTREAM_UNAVAILABLE,
        f"the API answered with status {code}",
    )


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_may_change_is_tried_again(code):
    assert wait(status(code)) == 0.25
    assert given_up(status(code), attempt=4) == (
        Reason.UPSTREAM_UNAVAILABLE,
        f"status {code} (after 4 of 4 attempts)",
    )


@pytest.mark.parametrize("code", [401, 403, 404, 409])
def test_retry_on_adds_statuses(code):
    policy = RetryPolicy.model_validate({"on": (code,)})
    assert wait(status(code), policy=policy) == 0.25


@pytest.mark.parametrize("code", [None, 200])
def test_a_failure_without_a_bad_status_says_itself_whether_to_try_again(code):
    """A broken connection or a body that is not JSON."""
    assert wait(Failure("connection reset", code)) == 0.25
    opening = "" if code is None else "the API answered with "
    assert given_up(Failure("TLS: wrong name", code, transient=False)) == (
        Reason.UPSTREAM_UNAVAILABLE,
        f"{opening}TLS: wrong name",
    )


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0), (19, 60.0)]
)
def test_back_off_doubles_up_to_the_limit_with_full_jitter(attempt, ceiling):
    policy = RetryPolicy.model_validate(
        {"maxAttempts": 20, "backoffMs": 500, "maxBackoffMs": 60_000}
    )
    assert wait(status(500), attempt, policy, chance=0.0) == 0.0
    assert wait(status(500), attempt, policy, chance=0.5) == ceiling / 2
    assert wait(status(500), attempt, policy, chance=0.999) == pytest.approx(ceiling * 0.999)


@pytest.mark.parametrize(
    ("text", "seconds", "because"),
    [
        ("4", 4.0, "seconds"),
        (" 4 ", 4.0, "space around"),
        ("0", 0.0, "zero"),
        ("Mon, 02 Feb 2026 12:00:30 GMT", 30.0, "an HTTP date"),
        ("Mon, 02 Feb 2026 12:00:30 -0000", 30.0, "a date without a zone is UTC"),
        ("Mon, 02 Feb 2026 13:00:30 +0100", 30.0, "a date with an offset"),
        ("Monday, 02-Feb-26 12:00:30 GMT", 30.0, "the obsolete form of RFC 850"),
        ("Mon, 02 Feb 2026 11:59:00 GMT", 0.0, "a date that has passed"),
        ("", 0.0, "empty"),
        ("soon", 0.0, "no form at all"),
        ("-4", 0.0, "negative"),
        ("1.5", 0.0, "a fraction"),
        ("\u00b2", 0.0, "a digit that is not ASCII"),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 0.0, "a year out of range"),
        ("Mon, 02 Feb 2026 12:00:30 +9999999999", 0.0, "an offset out of range"),
        ("1 Jan 99999999999999999999999 1:1:1", 0.0, "a year that no integer of C holds"),
    ],
)
def test_retry_after_in_both_forms(text, seconds, because):
    assert retry_after(status(429, retry_after=text), NOW) == seconds, because
    assert retry_after(status(503, retry_after=text), NOW) == seconds, because


def test_retry_after_counts_for_throttling_only():
    assert retry_after(status(500, retry_after="4"), NOW) == 0.0
    assert retry_after(Failure("connection reset"), NOW) == 0.0


def test_the_server_is_never_asked_sooner_than_it_said():
    assert wait(status(429, retry_after="4"), chance=0.0) == 4.0
    assert wait(status(429, retry_after="4"), chance=0.5) == 4.25


def test_a_wait_that_is_too_long_ends_the_run_with_the_time_named():
    assert wait(status(503, retry_after="300"), chance=0.0) == 300.0
    assert given_up(status(503, retry_after="301")) == (
        Reason.UPSTREAM_UNAVAILABLE,
        "status 503: the API asks to wait 301 s; allowed are 300 s",
    )
    patient = RetryPolicy.model_validate({"maxBackoffMs": 600_000})
    assert wait(status(503, retry_after="600"), policy=patient, chance=0.0) == 600.0
    assert given_up(status(429, retry_after="9" * 400))[0] is Reason.UPSTREAM_UNAVAILABLE


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_run(text):
    assert retry_after(status(429, retry_after=text), NOW) >= 0.0


def test_success():
    assert [code for code in (199, 200, 204, 299, 300) if is_success(code)] == [200, 204, 299]
