import pytest

from chartly.errors import (
    REASONS,
    Bug,
    ChartlyError,
    Problem,
    Reason,
    Retry,
    RunError,
    SpecError,
    reason_of,
)


def test_every_reason_has_a_row():
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_one_camel_case_word_with_one_sentence(reason):
    assert reason.value.isalpha()
    assert reason.value[0].isupper()
    assert "\n" not in REASONS[reason].meaning
    assert 0 <= REASONS[reason].exit_code <= 255


def test_only_success_exits_with_zero():
    ends = [reason for reason in Reason if REASONS[reason].retry is not Retry.ACTIVE]
    assert [reason for reason in ends if REASONS[reason].exit_code == 0] == [Reason.SUCCEEDED]


@pytest.mark.parametrize(
    ("code", "reason", "because"),
    [
        (0, Reason.SUCCEEDED, "zero is success"),
        (12, Reason.PEER_LOST, "the code of one reason"),
        (3, Reason.CONFIG_INVALID, "the first of several with this code"),
        (137, Reason.KILLED, "SIGKILL, whoever sent it"),
        (99, Reason.UNCLASSIFIED, "no code of ours"),
    ],
)
def test_an_exit_code_tells_the_reason(code, reason, because):
    assert reason_of(code) is reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (3, Reason.CONFIG_INVALID),
        (4, Reason.EGRESS_DENIED),
        (5, Reason.AUTH_REJECTED),
        (6, Reason.SNAPSHOT_TAMPERED),
        (7, Reason.SECRET_ORIGIN_REFUSED),
        (10, Reason.UPSTREAM_UNAVAILABLE),
        (11, Reason.STORE_UNAVAILABLE),
        (12, Reason.PEER_LOST),
        (20, Reason.REJECT_THRESHOLD),
        (21, Reason.OUTPUT_CONTRACT),
        (22, Reason.PAGINATION_LOOP),
        (23, Reason.LIMIT_REACHED),
        (24, Reason.PARTIALLY_LOADED),
        (25, Reason.STORAGE_QUOTA_EXCEEDED),
        (26, Reason.SCHEMA_INCOMPATIBLE),
        (27, Reason.QUALITY_FAILED),
        (30, Reason.CANCELLED),
        (31, Reason.DEADLINE_EXCEEDED),
        (70, Reason.INTERNAL_ERROR),
        (137, Reason.KILLED),
        (143, Reason.TERMINATED),
    ],
)
def test_exit_codes_never_change(code, reason):
    assert REASONS[reason].exit_code == code


def test_a_mistake_in_the_files_is_never_retried():
    configuration = [info for info in REASONS.values() if info.exit_code == 3]
    assert {info.retry for info in configuration} == {Retry.NEVER}


def test_errors_carry_reason_message_and_exit_code():
    assert SpecError([Problem("x")]).reason is Reason.CONFIG_INVALID
    assert RunError(Reason.PEER_LOST, "gone").exit_code == 12
    assert isinstance(Bug("b"), ChartlyError)
    assert str(Bug("b")) == "b"


@pytest.mark.parametrize(
    ("problem", "sentence", "because"),
    [
        (Problem("is required"), "is required", "nothing else is known"),
        (Problem("is required", object="run r"), "run r: is required", "an object"),
        (Problem("must be text", object="a", path="b", value=1), "a: b: 1 must be text", "a value is JSON"),
        (Problem("must be text", path="b", value="x\ny"), 'b: "x\\ny" must be text', "text stays on one line"),
        (Problem("must be text", path="b", value=True), "b: true must be text", "no Python words"),
        (Problem("must be text", path="b", value=1, written="1.0"), "b: 1.0 must be text", "as the file spells it"),
        (Problem("is bad", source="f.yaml", line=3, path="b"), "f.yaml:3: b: is bad", "file and line"),
        (Problem("is bad", source="f.yaml", path="b"), "f.yaml: b: is bad", "a file without lines"),
        (Problem("is bad", line=3, path="b"), "b: is bad", "a line of no file says nothing"),
        (Problem("is long", path="b", value="x" * 99), f'b: "{"x" * 79}... is long', "a long value is clipped"),
    ],
)  # fmt: skip
def test_a_problem_is_one_sentence(problem, sentence, because):
    assert str(problem) == sentence, because


def test_a_problem_is_an_object_of_json_with_every_member():
    document = Problem("is bad", path="b", value=1, allowed=("2", "3")).document()
    assert document == {
        "reason": "ConfigInvalid",
        "message": "b: 1 is bad",
        "source": None,
        "line": None,
        "object": None,
        "path": "b",
        "value": 1,
        "allowed": ["2", "3"],
    }


def test_an_error_of_several_problems_shows_the_first_and_counts_the_rest():
    error = SpecError([Problem("is bad", Reason.NOT_SERVED, path="a"), Problem("x"), Problem("y")])
    assert (error.message, error.reason) == ("a: is bad (and 2 more)", Reason.NOT_SERVED)
    assert len(error.problems) == 3


def test_an_error_of_a_run_is_one_problem():
    assert RunError(Reason.PEER_LOST, "gone").problems == (Problem("gone", Reason.PEER_LOST),)
