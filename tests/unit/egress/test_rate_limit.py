from hypothesis import given
from hypothesis import strategies as st

from chartly.egress.rate_limit import RateWindow


def test_the_first_requests_leave_at_once_and_the_next_waits_for_the_oldest():
    window = RateWindow(2)
    assert window.delay(10.0) == 0.0
    window.note(10.0)
    window.note(25.0)
    assert window.delay(30.0) == 40.0
    assert window.delay(71.0) == 0.0
    window.note(71.0)
    assert window.delay(71.0) == 14.0


@given(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=40))
def test_never_more_than_the_limit_in_any_minute(limit, pauses):
    window = RateWindow(limit)
    now, left = 0.0, []
    for pause in pauses:
        now += pause
        now += window.delay(now)
        window.note(now)
        left.append(now)
    for earlier, later in zip(left, left[limit:], strict=False):
        assert later - earlier >= 60.0 - 1e-9
