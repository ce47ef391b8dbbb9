"""What ends the pages, rule by rule, and what is said of a run that has them all."""

import pytest
from pydantic import ValidationError

from chartly.api.pagination import Pagination
from chartly.egress.paging import Paging
from chartly.egress.pull_progress import progress_at
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Reason, RunError
from chartly.warning import WarningReason

FULL = 10


def pagination(mode, stop=None, **fields):
    needed = {
        "cursor": {"requestParam": "cursor", "responseField": "next"},
        "nextUrl": {"responseField": "next"},
        "offset": {"pageSize": FULL},
    }
    given = {"mode": mode, **needed.get(mode, {}), **fields, "stop": stop or {}}
    return Pagination.model_validate(given)


def facts(size, digest="", token=None, **members):
    named = {f"stop.{name}": value for name, value in members.items()}
    if token is not None:
        named["responseField"] = token
    return PageFacts(
        size, named, {"x-total-count": "12"}, digest or f"{size}", "https://a.example/"
    )


def walked(paging, pages):
    """How many pages were asked for until the end, or why it failed."""
    for number, page in enumerate(pages, start=1):
        try:
            paging.advance(page)
        except RunError as error:
            return error.reason
        if paging.is_over:
            return number
    return None


ENDED = PageFacts(0, ended=True)
CASES = [
    ("page", {}, [facts(10), facts(3), facts(0)], 3, "an empty page ends, a short one does not"),
    ("page", {"emptyPage": False}, [facts(10), facts(0)], None, "the profile says otherwise"),
    ("cursor", {"emptyPage": True}, [facts(10, token="a"), facts(0, token="b")], 2, "also by cursor"),
    ("page", {"shortPage": True}, [facts(10), facts(3, "b")], 2, "less than the largest"),
    ("page", {"shortPage": True}, [facts(3)], None, "a first page is never short"),
    ("offset", {"shortPage": True}, [facts(5), facts(5, "b"), facts(2)], 3, "a server that caps"),
    ("page", {"hasMore": "more"}, [facts(10, hasMore=True), facts(3, hasMore=False)], 2, "false ends"),
    ("page", {"hasMore": "more"}, [facts(0, hasMore=True)], None, "empty, and the API has more"),
    ("page", {"hasMore": "more"}, [facts(1)], Reason.UPSTREAM_UNAVAILABLE, "absent on a page with records"),
    ("page", {"hasMore": "more"}, [facts(0)], 1, "absent on an empty page"),
    ("page", {"hasMore": "more"}, [facts(1, hasMore=2)], Reason.UPSTREAM_UNAVAILABLE, "neither true nor false"),
    ("cursor", {"hasMore": "more"}, [facts(1, token="a", hasMore=False)], 1, "a cursor that is always there"),
    ("cursor", {"hasMore": "more"}, [facts(1, hasMore=True)], Reason.UPSTREAM_UNAVAILABLE, "more, and no cursor"),
    ("none", {"hasMore": "more"}, [facts(1, hasMore=True)], Reason.UPSTREAM_UNAVAILABLE, "more, and no mode"),
    ("offset", {"hasMore": "more"}, [facts(0, hasMore=True)], Reason.UPSTREAM_UNAVAILABLE, "nowhere to go"),
    ("page", {"total": "t"}, [facts(10, total=12), facts(2, total=12)], 2, "all are there"),
    ("page", {"total": "t"}, [facts(10, total="12"), facts(2, total="12")], 2, "a total as text"),
    ("page", {"total": "t"}, [facts(10, total=-1)], Reason.UPSTREAM_UNAVAILABLE, "no total"),
    ("page", {"total": "t"}, [facts(10, total=True)], Reason.UPSTREAM_UNAVAILABLE, "no number"),
    ("offset", {"total": "t"}, [facts(10, total=12), facts(0, total=12)], Reason.UPSTREAM_UNAVAILABLE, "records are missing"),
    ("page", {"totalHeader": "X-Total-Count"}, [facts(10), facts(2)], 2, "a header says it"),
    ("page", {"totalPages": "p"}, [facts(5, totalPages=2), facts(5, "b", totalPages=2)], 2, "so many pages"),
    ("cursor", {"totalPages": "p"}, [facts(5, token="a", totalPages=2), facts(5, token="b", totalPages=2)], 2, "by cursor"),
    ("page", {"total": "t", "hasMore": "m"}, [facts(5, total=9, hasMore=False)], Reason.UPSTREAM_UNAVAILABLE, "two things at once"),
    ("page", {}, [facts(5, "a"), facts(5, "a")], Reason.PAGINATION_LOOP, "no rule for it"),
    ("page", {"repeatedPage": True}, [facts(5, "a"), facts(5, "b"), facts(5, "b")], 3, "the last again"),
    ("page", {"repeatedPage": True}, [facts(5, "a"), facts(5, "a")], Reason.PAGINATION_LOOP, "an ignored number"),
    ("offset", {"repeatedPage": True}, [facts(5, "a"), facts(5, "a")], 2, "one short page, again"),
    ("page", {"hasMore": "m"}, [facts(5, hasMore=True), facts(0)], Reason.UPSTREAM_UNAVAILABLE, "no more, and no word"),
    ("page", {"total": "t"}, [facts(5, total=9), ENDED], Reason.UPSTREAM_UNAVAILABLE, "a status takes no word back"),
    ("page", {"total": "t"}, [facts(5, total=9), facts(0, total=5)], 2, "the word is taken back"),
    ("page", {"hasMore": "m"}, [facts(0, hasMore=True), facts(5, "a", hasMore=False)], 2, "an empty page, and the rest"),
    ("offset", {"total": "t"}, [facts(5, "a", total=9), facts(5, "a", total=9)], Reason.PAGINATION_LOOP, "an ignored offset"),
    ("cursor", {"total": "t"}, [facts(5, token="a", total=9), facts(5, token="a", total=9)], Reason.PAGINATION_LOOP, "an ignored cursor"),
    ("nextUrl", {"total": "t"}, [facts(5, token="/a", total=9), facts(5, token="/a", total=9)], Reason.PAGINATION_LOOP, "a link to itself"),
    ("cursor", {"hasMore": "m"}, [facts(5, token="a", hasMore=True), facts(0, token="a", hasMore=False)], 2, "nothing new yet"),
    ("page", {"totalPages": "p"}, [facts(5, "a", totalPages=2), facts(5, "a", totalPages=2)], Reason.PAGINATION_LOOP, "an ignored page"),
    ("page", {"totalPages": "p", "repeatedPage": True}, [facts(5, "a", totalPages=2), facts(5, "a", totalPages=2)], Reason.PAGINATION_LOOP, "the last was promised"),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "stop", "pages", "outcome", "because"), CASES)
def test_each_rule_ends_the_pages_or_does_not(mode, stop, pages, outcome, because):
    assert walked(Paging(pagination(mode, stop)), pages) == outcome, because


@pytest.mark.parametrize(("mode", "stop", "pages", "outcome", "because"), CASES)
def test_inv_4_a_run_that_is_cut_after_every_page_ends_alike(mode, stop, pages, outcome, because):
    asked, paging = pagination(mode, stop), Paging(pagination(mode, stop))
    for page in pages[:-1]:
        paging.advance(page)
        paging = Paging(asked, paging.position)
    last = walked(paging, pages[-1:])
    assert (last if last is None or isinstance(last, Reason) else len(pages)) == outcome, because


def test_page_numbers_from_zero_are_counted_alike():
    paging = Paging(pagination("page", {"totalPages": "p"}, start=0))
    assert walked(paging, [facts(5, totalPages=2), facts(5, "b", totalPages=2)]) == 2


REPEATED = {"repeatedPage": True}
TOTAL = {"total": "t"}


@pytest.mark.parametrize(
    ("mode", "fields", "pages", "warned"),
    [
        ("cursor", {}, [facts(3)], ["pagination.responseField"]),
        ("nextUrl", {}, [facts(3)], ["pagination.responseField"]),
        ("cursor", {}, [facts(0)], []),
        ("cursor", {}, [PageFacts(3, {"responseField": None})], []),
        ("cursor", {}, [facts(3, token="a"), facts(3)], []),
        ("page", {"sizeParam": "n", "pageSize": 500}, [facts(9), facts(9, "b"), facts(0)], ["pagination.pageSize"]),
        ("page", {"sizeParam": "n", "pageSize": 500}, [facts(9), facts(0)], []),
        ("page", {"sizeParam": "n", "pageSize": 9}, [facts(9), facts(3), facts(0)], []),
        ("page", {"stop": REPEATED, "pageSize": 9}, [facts(3), facts(3)], ["pagination.stop.repeatedPage"]),
        ("offset", {"stop": REPEATED}, [facts(3), facts(3)], ["pagination.stop.repeatedPage"]),
        ("offset", {"stop": REPEATED}, [facts(3), facts(2, "b"), facts(2, "b")], []),
        ("offset", {"stop": REPEATED}, [facts(3), facts(0)], []),
        ("page", {"stop": TOTAL}, [facts(10, total=30), facts(10, "b", total=20)], ["pagination.stop"]),
        ("page", {"stop": TOTAL}, [facts(10, total=20), facts(10, "b", total=20)], []),
        ("page", {"stop": TOTAL}, [facts(10, total=15), facts(10, "b", total=20)], []),
        ("offset", {"stop": TOTAL, "start": 30}, [facts(10, total=45), facts(5, "b", total=45)], []),
        ("offset", {"stop": TOTAL, "start": 30}, [facts(10, total=46), facts(5, "b", total=45)], ["pagination.stop"]),
        ("page", {"stop": {"totalHeader": "X-Total-Count"}}, [facts(10), facts(2)], []),
    ],
)  # fmt: skip
def test_what_is_said_of_a_run_is_said_again_by_the_attempt_after_it(mode, fields, pages, warned):
    asked = pagination(mode, **fields)
    paging = Paging(asked)
    for page in pages:
        paging.advance(page)
    assert paging.is_over
    assert [one.object for one in paging.warnings] == warned
    assert (paging.position is None) == (not warned)
    if warned:
        again = Paging(asked, paging.position)
        assert again.is_over
        assert again.warnings == paging.warnings


def test_a_total_that_shrinks_is_told_with_both_numbers():
    paging = Paging(pagination("page", TOTAL))
    for page in (facts(10, total=30), facts(10, "b", total=20)):
        paging.advance(page)
    [warning] = paging.warnings
    assert warning.reason is WarningReason.TOTAL_NOT_REACHED
    assert "30 records, and 20 came" in warning.message


def test_what_the_api_owes_is_known_to_the_attempt_after_a_cut():
    asked = pagination("page", {"hasMore": "m"})
    before = Paging(asked)
    before.advance(facts(5, hasMore=True))
    assert walked(Paging(asked, before.position), [facts(0)]) is Reason.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    ("pages", "status", "ends", "hint"),
    [(0, 404, False, False), (1, 404, True, True), (1, 400, False, True), (1, 429, False, False), (1, 500, False, False)],
)  # fmt: skip
def test_a_status_ends_the_pages_only_behind_one(pages, status, ends, hint):
    paging = Paging(pagination("page", {"statuses": (404,)}))
    for _ in range(pages):
        paging.advance(facts(1))
    assert paging.ends_with(status) is ends
    assert (f"write pagination.stop.statuses: [{status}]" in paging.hint(status)) is hint


def test_an_answer_behind_the_last_page_is_the_end():
    paging = Paging(pagination("cursor", {"statuses": (404,)}))
    paging.advance(facts(1, token="a"))
    paging.advance(PageFacts(0, ended=True))
    assert paging.is_over


@pytest.mark.parametrize(
    ("mode", "stop"),
    [
        ("page", {"statuses": (429,)}),
        ("page", {"statuses": [500]}),
        ("offset", {"emptyPage": False}),
    ],
)
def test_rules_that_would_hide_a_failure_are_refused(mode, stop):
    with pytest.raises(ValidationError):
        pagination(mode, stop)


@pytest.mark.parametrize(
    ("position", "link"),
    [
        ({"next": "/p3", "pages": 2}, "/p3"),
        ({"next": "?page=3", "pages": 2}, "?page=3"),
        ({"next": "https://a.example/p3", "pages": 2}, "https://a.example/p3"),
        ({"next": "p2", "pages": 1}, "p2"),
    ],
)
def test_a_position_of_an_earlier_version_goes_on(position, link):
    assert Paging(pagination("nextUrl"), position).request().link == link


def test_a_relative_link_of_an_earlier_version_is_not_guessed():
    with pytest.raises(RunError, match="start a new run") as caught:
        Paging(pagination("nextUrl"), {"next": "p3", "pages": 2}).request()
    assert caught.value.reason is Reason.CONFIG_INVALID


def test_a_link_that_cannot_be_joined_is_kept_for_who_follows_it():
    paging = Paging(pagination("nextUrl"))
    paging.advance(facts(1, token="https://[x"))
    assert paging.request().link == "https://[x"


def test_a_position_is_the_course_again():
    paging = Paging(pagination("page"))
    paging.advance(facts(3, "abc"))
    assert progress_at(paging.position).position() == paging.position
