import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.pagination import Pagination
from chartly.egress.paging import Paging
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Reason, RunError
from chartly.extract.records import Number

TWICE = "the API sent the records of a page twice in a row;"
REPEATS = "or repeats its last page: then write pagination.stop.repeatedPage: true"


def pagination(mode, **fields):
    needed = {
        "cursor": {"requestParam": "cursor", "responseField": "next"},
        "nextUrl": {"responseField": "next"},
        "offset": {"pageSize": 10},
    }
    return Pagination.model_validate({"mode": mode, **needed.get(mode, {}), **fields})


def page(token=None, records=1, body="a"):
    return PageFacts(records, {"responseField": token}, digest=body, url="https://a.example/items")


def stopped(paging, facts):
    with pytest.raises(RunError) as caught:
        paging.advance(facts)
    return caught.value.reason, caught.value.message


def tokens(paging, answers):
    """The queries of a walk through ``answers``, until the paging ends."""
    sent = []
    for number, answer in enumerate(answers):
        if paging.is_over:
            break
        sent.append(paging.request().query)
        paging.advance(page(*answer, body=str(number)))
    return sent


def test_mode_none_asks_once():
    paging = Paging(pagination("none", sizeParam="limit", pageSize=50))
    request = paging.request()
    assert (request.query, request.link) == ({"limit": "50"}, None)
    paging.advance(page("more"))
    assert paging.is_over


def test_a_cursor_is_sent_back_until_there_is_none():
    paging = Paging(pagination("cursor", sizeParam="limit", pageSize=5))
    assert tokens(paging, [("a",), ("b",), (None,)]) == [
        {"limit": "5"},
        {"limit": "5", "cursor": "a"},
        {"limit": "5", "cursor": "b"},
    ]
    assert paging.is_over


@pytest.mark.parametrize("token", [None, "", False])
@pytest.mark.parametrize("mode", ["cursor", "nextUrl"])
def test_no_token_is_the_end(mode, token):
    paging = Paging(pagination(mode))
    paging.advance(page(token))
    assert paging.is_over


@pytest.mark.parametrize(
    ("token", "sent"), [("a b", "a b"), (7, "7"), (0, "0"), (10**30, str(10**30)), (Number("1.50"), "1.50")]
)  # fmt: skip
def test_a_token_is_sent_as_it_came(token, sent):
    paging = Paging(pagination("cursor"))
    paging.advance(page(token))
    assert paging.request().query == {"cursor": sent}


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ({"a": 1}, "pagination.responseField 'next' holds an object, not text or a number"),
        (["a"], "pagination.responseField 'next' holds an array, not text or a number"),
        (True, "pagination.responseField 'next' holds a boolean, not text or a number"),
        ("x" * 8193, "pagination.responseField 'next' holds 8193 characters; allowed are 8192"),
    ],
)
@pytest.mark.parametrize("mode", ["cursor", "nextUrl"])
def test_a_token_that_cannot_be_sent_is_refused_by_name(mode, token, says):
    assert stopped(Paging(pagination(mode)), page(token)) == (Reason.UPSTREAM_UNAVAILABLE, says)


def test_a_next_url_is_followed_without_a_query_of_our_own():
    paging = Paging(pagination("nextUrl", sizeParam="limit", pageSize=5))
    assert paging.request().query == {"limit": "5"}
    paging.advance(page("/items?page=2"))
    request = paging.request()
    assert (request.query, request.link) == ({}, "https://a.example/items?page=2")


@pytest.mark.parametrize(
    ("mode", "fields", "expected"),
    [
        ("page", {}, [{"page": "1"}, {"page": "2"}, {"page": "3"}]),
        ("page", {"start": 0}, [{"page": "0"}, {"page": "1"}, {"page": "2"}]),
        ("page", {"requestParam": "p", "sizeParam": "n", "pageSize": 2}, [{"p": str(n), "n": "2"} for n in (1, 2, 3)]),
        ("offset", {}, [{"offset": "0"}, {"offset": "10"}, {"offset": "13"}]),
        ("offset", {"start": 5, "requestParam": "skip"}, [{"skip": "5"}, {"skip": "15"}, {"skip": "18"}]),
    ],
)  # fmt: skip
def test_counting_modes_stop_at_an_empty_page_and_not_at_a_short_one(mode, fields, expected):
    paging = Paging(pagination(mode, **fields))
    assert tokens(paging, [(None, 10), (None, 3), (None, 0)]) == expected
    assert paging.is_over


def test_an_api_that_ignores_the_page_parameter_is_found_out():
    paging = Paging(pagination("page", requestParam="p"))
    paging.advance(page(body="same"))
    assert stopped(paging, page(body="same")) == (
        Reason.PAGINATION_LOOP,
        f"{TWICE} it ignores pagination.requestParam 'p', {REPEATS}",
    )


@pytest.mark.parametrize("answers", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
@pytest.mark.parametrize("mode", ["cursor", "nextUrl"])
def test_a_token_that_comes_again_is_a_loop(mode, answers):
    paging = Paging(pagination(mode))
    for answer in answers[:-1]:
        paging.advance(page(answer))
    reason, message = stopped(paging, page(answers[-1]))
    assert reason is Reason.PAGINATION_LOOP
    what = "link" if mode == "nextUrl" else "token"
    assert message.startswith(f"the API sent a page {what} a second time (its SHA-256 starts with ")
    assert len(message.rpartition(" ")[2]) == len("0123456789ab)")


def test_a_last_page_that_is_empty_and_repeats_its_cursor_ends_cleanly():
    paging = Paging(pagination("cursor"))
    paging.advance(page("a"))
    paging.advance(page("a", records=0))
    assert paging.is_over


def test_empty_pages_in_the_middle_go_on_up_to_the_limit():
    paging = Paging(pagination("cursor", maxEmptyPages=2))
    for token, records in (("a", 0), ("b", 0), ("c", 1), ("d", 0), ("e", 0)):
        paging.advance(page(token, records))
    assert stopped(paging, page("f", 0)) == (
        Reason.LIMIT_REACHED,
        "more than pagination.maxEmptyPages 2 pages in a row held no record",
    )


def test_max_pages_ends_a_run_that_has_more_and_not_one_that_has_not():
    paging = Paging(pagination("cursor", maxPages=2))
    paging.advance(page("a"))
    assert stopped(paging, page("b")) == (
        Reason.LIMIT_REACHED,
        "pagination.maxPages 2 is reached and the API has more",
    )
    paging = Paging(pagination("cursor", maxPages=2))
    paging.advance(page("a"))
    paging.advance(page(None))
    assert paging.is_over


def test_the_limit_counts_the_pages_of_earlier_attempts():
    paging = Paging(pagination("cursor", maxPages=3), {"next": "b", "pages": 2}, ())
    assert paging.request().query == {"cursor": "b"}
    assert stopped(paging, page("c"))[0] is Reason.LIMIT_REACHED


@pytest.mark.parametrize("mode", ["cursor", "nextUrl", "page", "offset"])
def test_inv_4_a_walk_that_is_resumed_anywhere_asks_for_the_same_pages(mode):
    answers = [(f"t{n}", 1) for n in range(5)] + [(None, 0)]
    whole, resumed = Paging(pagination(mode)), Paging(pagination(mode))
    seen = []
    for number, answer in enumerate(answers):
        expected, found = whole.request(), resumed.request()
        assert found == expected
        seen.append(found.token_hash)
        for paging in (whole, resumed):
            paging.advance(page(*answer, body=str(number)))
        if not resumed.is_over:
            resumed = Paging(pagination(mode), resumed.position, seen)
    assert whole.is_over
    assert resumed.is_over


@pytest.mark.parametrize(
    ("mode", "fields", "answers", "reason"),
    [
        ("cursor", {}, ["a", "b", "a"], Reason.PAGINATION_LOOP),
        ("cursor", {}, ["a", "a"], Reason.PAGINATION_LOOP),
        ("nextUrl", {}, ["a", "a"], Reason.PAGINATION_LOOP),
        ("page", {}, [None, None], Reason.PAGINATION_LOOP),
        ("cursor", {"maxPages": 2}, ["a", "b"], Reason.LIMIT_REACHED),
    ],
)
def test_inv_4_an_attempt_after_a_loop_or_limit_meets_it_again(mode, fields, answers, reason):
    """Or a crash between the last commit and the end would turn the failure into a success."""
    paging, seen = Paging(pagination(mode, **fields)), []
    for answer in answers[:-1]:
        seen.append(paging.request().token_hash)
        paging.advance(page(answer, body="same"))
    seen.append(paging.request().token_hash)
    assert stopped(paging, page(answers[-1], body="same"))[0] is reason
    assert paging.position is not None
    with pytest.raises(RunError) as caught:  # noqa: PT012 - at the latest with the next page
        again = Paging(pagination(mode, **fields), paging.position, seen)
        again.advance(page("z"))
    assert caught.value.reason is reason
    assert ("token" in caught.value.message) <= (mode == "cursor")
    assert caught.value.message.startswith(TWICE) <= (mode == "page")


@pytest.mark.parametrize("mode", ["page", "offset"])
@pytest.mark.parametrize("stop", [{}, {"repeatedPage": True}])
def test_an_attempt_after_a_repeated_page_says_the_same(mode, stop):
    asked, seen = pagination(mode, stop=stop), []
    paging = Paging(asked)
    for number in (0, 1):
        seen.append(paging.request().token_hash)
        if number == 0:
            paging.advance(page(records=10, body="same"))
    said = stopped(paging, page(records=10, body="same"))
    with pytest.raises(RunError) as caught:
        Paging(asked, paging.position, seen)
    assert (caught.value.reason, caught.value.message) == said


@given(st.lists(st.sampled_from(["a", "b", "c", 1, 2, "", None]), min_size=1, max_size=30))
def test_every_walk_ends(answers):
    """INV-4's bound: whatever the API says, there are no more requests than tokens it knows."""
    paging, asked, reasons = Paging(pagination("cursor")), [], set()
    for number in range(30):
        if paging.is_over:
            break
        asked.append(paging.request().token_hash)
        try:
            paging.advance(page(answers[number % len(answers)], body=str(number)))
        except RunError as error:
            reasons.add(error.reason)
            break
    assert reasons <= {Reason.PAGINATION_LOOP}
    assert len(asked) == len(set(asked)) <= 6
