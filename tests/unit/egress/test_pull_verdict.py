import pytest

from chartly.egress.pull_verdict import verdict
from chartly.errors import Bug, Reason, RunError
from chartly.slices import Slice, slice_of

A, B, C = Slice("a"), slice_of("b", {"site": "eu"}), Slice("c")
DENIED = RunError(Reason.AUTH_REJECTED, "status 403")
DOWN = RunError(Reason.UPSTREAM_UNAVAILABLE, "status 500")
STOPPED = RunError(Reason.TERMINATED, "stopped")


@pytest.mark.parametrize(
    ("ends", "wanted", "because"),
    [
        ([(A, None), (B, None)], (Reason.SUCCEEDED, ""), "no slice failed"),
        ([], (Reason.SUCCEEDED, ""), "there was nothing to do"),
        ([(A, DOWN)], (Reason.UPSTREAM_UNAVAILABLE, "status 500"), "of one slice, its own words"),
        (
            [(A, None), (B, DENIED)],
            (Reason.AUTH_REJECTED, 'b {"site":"eu"}: status 403 (1 of 2 slices failed)'),
            "of several slices, which",
        ),
        (
            [(A, DENIED), (B, DOWN), (C, None)],
            (Reason.UPSTREAM_UNAVAILABLE, 'b {"site":"eu"}: status 500 (2 of 3 slices failed)'),
            "a retry helps one of them",
        ),
        (
            [(A, DOWN), (B, STOPPED)],
            (Reason.TERMINATED, 'b {"site":"eu"}: stopped (2 of 2 slices failed)'),
            "a retry that costs no attempt comes first",
        ),
        (
            [(A, DOWN), (C, Bug("oh"))],
            (Reason.UPSTREAM_UNAVAILABLE, "a: status 500 (2 of 2 slices failed)"),
            "of equal ones the first",
        ),
    ],
)
def test_a_run_ends_as_the_failed_slice_that_a_retry_helps_most(ends, wanted, because):
    assert verdict(ends) == wanted, because
