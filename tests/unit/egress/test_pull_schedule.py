"""Many slices side by side, against an API that answers in any order and fails where it likes."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.pagination import Pagination
from chartly.egress.pull_schedule import Idle, PullSchedule, SliceRequest
from chartly.egress.stop_rules import PageFacts
from chartly.errors import Reason, RunError
from chartly.slices import PullState, Slice, SliceState, slice_of

CURSOR = Pagination.model_validate(
    {"mode": "cursor", "requestParam": "after", "responseField": "next"}
)
MAIN = Slice("main")
DOWN = RunError(Reason.UPSTREAM_UNAVAILABLE, "status 500")


def facts(following=None, size=1):
    members = {"responseField": following} if following is not None else {}
    return PageFacts(size, members)


@dataclass
class Journal:
    """What was pulled, by slice: the tokens asked for, the pages, and the numbers in the run."""

    asked: dict[Slice, list[str]] = field(default_factory=dict)
    pages: dict[Slice, list[int]] = field(default_factory=dict)
    positions: dict[Slice, object] = field(default_factory=dict)
    seen: dict[Slice, list[str]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def add(self, request, receipt):
        slice_ = request.slice
        self.asked.setdefault(slice_, []).append(request.page.query.get("after", ""))
        self.pages.setdefault(slice_, []).append(receipt.page)
        self.positions[slice_] = receipt.position
        self.seen.setdefault(slice_, []).append(request.page.token_hash)
        self.numbers.append(receipt.number)

    def state(self, slices):
        """Where a later attempt goes on, as the ledger tells it."""
        return PullState(
            {
                slice_: SliceState(
                    len(self.pages[slice_]),
                    json.loads(json.dumps(self.positions[slice_])),
                    tuple(self.seen[slice_]),
                    self.positions[slice_] is None,
                )
                if slice_ in self.pages
                else SliceState()
                for slice_ in slices
            },
            max(self.numbers, default=-1) + 1,
        )


@dataclass
class Api:
    """Slices of some pages each; some fail when a page of theirs is asked for."""

    sizes: dict[Slice, int]
    failing: dict[Slice, int] = field(default_factory=dict)

    def following(self, request):
        page = int(request.page.query.get("after", "0"))
        assert page < self.sizes[request.slice], "nobody asks behind the last page"
        return str(page + 1) if page + 1 < self.sizes[request.slice] else None

    def fails(self, request):
        return self.failing.get(request.slice) == int(request.page.query.get("after", "0"))


SLICES = st.lists(
    st.builds(
        slice_of, st.sampled_from("ab"), st.fixed_dictionaries({"n": st.sampled_from("123")})
    ),
    unique=True,
    max_size=5,
)


@st.composite
def apis(draw):
    slices = draw(SLICES)
    sizes = {slice_: draw(st.integers(1, 4)) for slice_ in slices}
    failing = {slice_: draw(st.integers(0, 4)) for slice_ in slices if draw(st.booleans())}
    return Api(sizes, failing)


def pulled(api, state, limit, choose, journal, cut=None):
    """Sends what the schedule gives, and answers in the order that is chosen."""
    schedule = PullSchedule(CURSOR, state, limit)
    under_way = []
    while len(journal.numbers) != cut:
        step = schedule.next()
        if isinstance(step, SliceRequest):
            under_way.append(step)
            assert len(under_way) <= limit
            assert len({one.slice for one in under_way}) == len(under_way)
            if choose(2):
                continue
        elif step is Idle.OVER:
            assert not under_way
            break
        request = under_way.pop(choose(len(under_way)))
        if api.fails(request):
            schedule.failed(request.slice, DOWN)
        else:
            journal.add(request, schedule.received(request.slice, facts(api.following(request))))
    return schedule


def chooser(data):
    return lambda count: data.draw(st.integers(0, count - 1))


@given(apis(), st.integers(1, 4), st.data())
def test_each_slice_is_pulled_in_order_and_once_whatever_the_others_do(api, limit, data):
    journal = Journal()
    start = PullState(dict.fromkeys(api.sizes, SliceState()), 7)
    schedule = pulled(api, start, limit, chooser(data), journal)
    for slice_, size in api.sizes.items():
        wanted = list(range(min(size, api.failing.get(slice_, size))))
        assert journal.pages.get(slice_, []) == wanted
        assert [int(token or 0) for token in journal.asked.get(slice_, [])] == wanted
    assert journal.numbers == list(range(7, 7 + len(journal.numbers))), "counted over all slices"
    failed = {slice_ for slice_, page in api.failing.items() if page < api.sizes[slice_]}
    assert [(slice_, error) for slice_, error in schedule.ends if error is not None] == [
        (slice_, DOWN) for slice_ in api.sizes if slice_ in failed
    ]


@given(apis(), st.integers(1, 4), st.integers(0, 12), st.data())
def test_inv_4_pulls_that_are_cut_anywhere_give_the_pages_of_one(api, limit, cut, data):
    journal = Journal()
    whole = Api(api.sizes)
    start = PullState(dict.fromkeys(api.sizes, SliceState()))
    pulled(api, start, limit, chooser(data), journal, cut)
    schedule = pulled(whole, journal.state(api.sizes), limit, chooser(data), journal)
    assert journal.pages == {slice_: list(range(size)) for slice_, size in api.sizes.items()}
    assert journal.numbers == list(range(len(journal.numbers)))
    assert all(error is None for _, error in schedule.ends)


@given(apis(), st.integers(1, 4), st.integers(0, 12), st.data())
def test_a_stop_ends_the_slices_that_have_pages_left_and_no_other(api, limit, cut, data):
    journal = Journal()
    start = PullState(dict.fromkeys(api.sizes, SliceState()))
    schedule = pulled(Api(api.sizes), start, limit, chooser(data), journal, cut)
    late = RunError(Reason.LIMIT_REACHED, "maxRunSeconds")
    schedule.stop(late)
    assert schedule.next() is Idle.OVER
    done = {
        slice_ for slice_, size in api.sizes.items() if len(journal.pages.get(slice_, [])) == size
    }
    assert schedule.ends == [(slice_, None if slice_ in done else late) for slice_ in api.sizes]


def test_a_slice_that_is_complete_asks_for_nothing():
    schedule = PullSchedule(CURSOR, PullState({MAIN: SliceState(complete=True)}), 1)
    assert schedule.next() is Idle.OVER
    assert schedule.ends == [(MAIN, None)]


def test_a_page_that_cannot_be_gone_on_from_may_be_asked_for_again():
    schedule = PullSchedule(CURSOR, PullState({MAIN: SliceState()}, 3), 1)
    schedule.next()
    with pytest.raises(RunError, match="pagination"):
        schedule.received(MAIN, facts({"an": "object"}))
    assert schedule.next() is Idle.WAIT, "the request is still under way"
    assert schedule.received(MAIN, facts("b")).number == 3


def test_a_loop_ends_its_slice_and_its_page_is_good():
    other = Slice("other")
    schedule = PullSchedule(CURSOR, PullState({MAIN: SliceState(), other: SliceState()}), 1)
    schedule.next()
    schedule.received(MAIN, facts("b"))
    schedule.next()
    receipt = schedule.received(MAIN, facts("b"))
    assert (receipt.page, receipt.position) == (1, {"next": "b", "pages": 2, "records": 2, "largest": 1})  # fmt: skip
    step = schedule.next()
    assert isinstance(step, SliceRequest)
    assert step.slice == other
    schedule.received(other, facts())
    ends = dict(schedule.ends)
    assert ends[MAIN].reason is Reason.PAGINATION_LOOP
    assert ends[other] is None


def test_a_position_that_leads_nowhere_ends_its_slice():
    """Of an earlier version, or of an attempt that met a loop."""
    links = Pagination.model_validate({"mode": "nextUrl", "responseField": "next"})
    looped = PullSchedule(
        links, PullState({MAIN: SliceState(2, {"next": "/b", "pages": 2}, ())}), 1
    )
    token = looped.next().page.token_hash
    slices = {
        Slice("a"): SliceState(2, {"next": "relative", "pages": 2}, ()),
        Slice("b"): SliceState(2, {"next": "/b", "pages": 2}, (token,)),
        Slice("c"): SliceState(),
    }
    schedule = PullSchedule(links, PullState(slices), 1)
    assert schedule.next().slice == Slice("c")
    reasons = [error.reason for _, error in schedule.ends if error is not None]
    assert reasons == [Reason.CONFIG_INVALID, Reason.PAGINATION_LOOP]


def test_what_a_status_means_is_asked_of_the_slice_under_way():
    stop = {**CURSOR.model_dump(by_alias=True), "stop": {"statuses": (404,)}}
    schedule = PullSchedule(Pagination.model_validate(stop), PullState({MAIN: SliceState()}), 1)
    schedule.next()
    assert not schedule.ends_with(MAIN, 404), "no page came before it"
    assert schedule.hint(MAIN, 410) == ""
    schedule.received(MAIN, facts("b"))
    schedule.next()
    assert schedule.ends_with(MAIN, 404)
    assert "pagination.stop.statuses: [410]" in schedule.hint(MAIN, 410)


def test_warnings_of_complete_slices_are_kept():
    pagination = Pagination.model_validate(
        {"mode": "cursor", "requestParam": "after", "responseField": "never"}
    )
    schedule = PullSchedule(pagination, PullState({MAIN: SliceState()}), 1)
    schedule.next()
    receipt = schedule.received(MAIN, facts())
    assert [one.reason.value for one in schedule.warnings] == ["PagingFieldNeverSeen"]
    again = PullSchedule(pagination, PullState({MAIN: SliceState(1, receipt.position)}), 1)
    assert again.next() is Idle.OVER
    assert again.warnings == schedule.warnings


def test_a_paging_member_that_one_slice_had_is_missed_in_no_other():
    two = {MAIN: SliceState(), Slice("other"): SliceState()}
    schedule = PullSchedule(CURSOR, PullState(two), 2)
    schedule.next(), schedule.next()
    schedule.received(MAIN, facts())
    assert [one.reason.value for one in schedule.warnings] == ["PagingFieldNeverSeen"]
    schedule.received(Slice("other"), facts("b"))
    schedule.next()
    schedule.received(Slice("other"), facts())
    assert schedule.warnings == []


@pytest.mark.parametrize("where", ["open", "request", "advance"])
def test_what_ends_the_process_ends_no_single_slice(monkeypatch, where):
    """A signal may be heard at any instruction."""
    stopped = RunError(Reason.TERMINATED, "stopped")

    def heard(*_arguments, **_named):
        raise stopped

    schedule = PullSchedule(
        CURSOR, PullState({MAIN: SliceState(), Slice("other"): SliceState()}), 1
    )
    target = {"open": "__init__", "request": "request", "advance": "advance"}[where]
    if where == "advance":
        schedule.next()
    monkeypatch.setattr(f"chartly.egress.pull_schedule.Paging.{target}", heard)
    with pytest.raises(RunError) as caught:
        schedule.received(MAIN, facts()) if where == "advance" else schedule.next()
    assert caught.value is stopped
    schedule.stop(stopped)
    assert schedule.ends == [(MAIN, stopped), (Slice("other"), stopped)]
