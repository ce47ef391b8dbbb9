"""Ends of paging over a real connection, and runs that are cut on their way to one."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartly.errors import Reason
from chartly.slices import SliceState
from support.connecting import FRIEND, HOME
from support.http_servers import in_turn, json_reply, redirect, reply
from support.linked_pages import LinkedPages, linked_pages
from support.pulling import bodies, pulled, resumed

PAGES = {"mode": "page"}
NEXT_URL = {"mode": "nextUrl", "responseField": "next"}


def data(*numbers, **members):
    return json_reply({"data": list(numbers), **members})


@pytest.mark.parametrize(
    ("failed", "records"),
    [
        (json_reply({"error": {"code": "rate_limited"}}), {"path": "$.data"}),
        (json_reply({"error": {"code": "rate_limited"}}), {}),
        (reply(b'{"status": "pending"}', 202), {"path": "$.data"}),
        (reply(b'{"data": [1]}', 206), {"path": "$.data"}),
    ],
)
def test_a_page_without_its_records_is_tried_again(rig, tmp_path, failed, records):
    rig.serve(in_turn(data(1), failed, data(2), data()))
    found = pulled(rig, tmp_path / "spool", pagination=PAGES, records=records)
    assert found.end.reason is Reason.SUCCEEDED
    assert bodies(found) == [[1], [2], []]
    assert found.end.counters.retries == 1


@pytest.mark.parametrize(
    ("pagination", "failed", "good", "says"),
    [
        (NEXT_URL, {"next": {"a": 1}}, {"next": None}, "pagination.responseField 'next' holds an object"),
        ({**PAGES, "stop": {"hasMore": "more"}}, {}, {"more": False}, "nothing at pagination.stop.hasMore 'more'"),
        ({**PAGES, "stop": {"total": "total"}}, {"total": "x"}, {"total": 1}, "pagination.stop.total 'total' holds text"),
        ({**PAGES, "stop": {"totalPages": "pages"}}, {"pages": None}, {"pages": 1}, "nothing at pagination.stop.totalPages"),
        ({**PAGES, "stop": {"totalPages": "pages", "total": "total"}}, {"pages": 1, "total": 2}, {"pages": 1, "total": 1}, "says that there are more pages, and stop.totalPages that not"),
    ],
)  # fmt: skip
def test_a_page_that_does_not_say_how_to_go_on_is_tried_again(
    rig, tmp_path, pagination, failed, good, says
):
    rig.serve(in_turn(data(1, **failed), data(1, **good)))
    found = pulled(rig, tmp_path / "spool", pagination=pagination)
    assert (found.end.reason, bodies(found)) == (Reason.SUCCEEDED, [[1]])
    assert found.end.counters.retries == 1
    rig.serve(in_turn(*[data(1, **failed)] * 3))
    found = pulled(rig, tmp_path / "spool", pagination=pagination, retry={"maxAttempts": 3})
    assert (found.end.reason, bodies(found)) == (Reason.UPSTREAM_UNAVAILABLE, [])
    assert says in found.end.message
    assert found.end.counters.requests == 3


def test_absent_records_fail_the_run_by_name(rig, tmp_path):
    rig.serve(in_turn(json_reply({"ok": False})))
    found = pulled(rig, tmp_path / "spool", pagination=PAGES, records={"path": "$.items"})
    assert found.end.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "records.path '$.items' leads: it has 'ok'" in found.end.message


@pytest.mark.parametrize("last", [reply(b"", 204), json_reply(None), json_reply({"data": None})])
def test_a_page_of_nothing_is_the_end(rig, tmp_path, last):
    rig.serve(in_turn(data(1), last))
    found = pulled(rig, tmp_path / "spool", pagination=PAGES)
    assert (found.end.reason, len(found.segments)) == (Reason.SUCCEEDED, 2)
    assert found.segments[-1].meta.records == 0
    assert found.resume.complete


def test_a_status_behind_the_last_page_is_the_end_where_the_profile_says_so(rig, tmp_path):
    rig.serve(in_turn(data(1), reply(b"<html>", 404)))
    found = pulled(rig, tmp_path / "spool", pagination=PAGES)
    assert found.end.reason is Reason.UPSTREAM_UNAVAILABLE
    assert found.end.message.endswith("write pagination.stop.statuses: [404]")
    rig.serve(in_turn(data(1), reply(b"<html>", 404)))
    stop = {**PAGES, "stop": {"statuses": (404,)}}
    found = pulled(rig, tmp_path / "spool", pagination=stop)
    assert (found.end.reason, len(found.segments)) == (Reason.SUCCEEDED, 2)
    assert found.segments[-1].body == b"null"


def test_an_offset_moves_by_what_came(rig, tmp_path):
    server = rig.serve(in_turn(data(1, 2), data(3, 4), data(5), data()))
    asked = {"mode": "offset", "sizeParam": "limit", "pageSize": 500}
    found = pulled(rig, tmp_path / "spool", pagination=asked)
    assert bodies(found) == [[1, 2], [3, 4], [5], []]
    assert [one.partition("offset=")[2] for one in server.targets] == ["0", "2", "4", "5"]
    assert [one.reason for one in found.end.warnings] == ["PageSizeCapped"]


def test_a_filter_does_not_end_the_pages(rig, tmp_path):
    rig.serve(in_turn(data({"a": 1}), data({"pull": 1}), data({"a": 2}), data()))
    found = pulled(rig, tmp_path / "spool", pagination=PAGES, records={"path": "$.data[?!@.pull]"})
    assert [one.meta.records for one in found.segments] == [1, 0, 1, 0]


def test_a_paging_member_that_no_page_has_is_a_warning(rig, tmp_path):
    rig.serve(in_turn(data(1, next_cursor="x")))
    found = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert [one.reason for one in found.end.warnings] == ["PagingFieldNeverSeen"]
    again = pulled(rig, tmp_path / "spool", found.resume, pagination=NEXT_URL)
    assert (again.end.warnings, again.segments) == (found.end.warnings, [])


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_inv_4_a_run_that_is_cut_goes_on_from_where_its_links_start(rig, tmp_path, cut):
    """Relative links, one of them behind a redirect to another allowed host."""
    routes = {
        "/items": data(1, next="list/p2"),
        "/list/p2": redirect(f"https://{FRIEND}/far/p2"),
        "/list/p5": data(9),
    }
    far = {
        "/far/p2": data(2, next="p3"),
        "/far/p3": data(3, next="?page=4"),
        "/far/p3?page=4": data(4),
    }

    def script_of(answers):
        return lambda _number, request, _server: answers.get(request.target, reply(b"", 404))

    home = rig.serve(script_of(routes))
    friend = rig.serve(script_of(far), FRIEND)
    whole = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert (whole.end.reason, bodies(whole)) == (Reason.SUCCEEDED, [[1], [2], [3], [4]])
    asked = [*home.targets], [*friend.targets]
    home.requests.clear()
    friend.requests.clear()
    state = resumed(SliceState(), whole.segments[:cut])
    rest = pulled(rig, tmp_path / "spool", state, pagination=NEXT_URL)
    assert bodies(rest) == bodies(whole)[cut:]
    for before, after in zip(asked, (home.targets, friend.targets), strict=True):
        assert after == before[len(before) - len(after) :]


@dataclass
class Scene:
    """What two servers do and were asked for; the URL ``failing`` answers 500 the first time."""

    api: LinkedPages
    failing: str | None
    asked: list[str]

    def script(self, host):
        def answer(_number, request, _server):
            url = f"https://{host}{request.target}"
            fails = url == self.failing and url not in self.asked
            self.asked.append(url)
            there = self.api.answers.get(url)
            if there is None or fails:
                return reply(b"", 404 if there is None else 500)
            if there.location is not None:
                return redirect(there.location)
            return data(self.api.asked.index(url), next=there.link)

        return answer


def test_inv_4_a_run_that_is_cut_or_fails_anywhere_asks_for_the_same_urls(rig, tmp_path):
    scene = Scene(LinkedPages(f"https://{HOME}", {}), None, [])
    for host in (HOME, FRIEND):
        rig.serve(scene.script(host), host)

    def attempts(api, failing, state):
        """What one attempt got, or two of them if the first failed, and the URLs asked for."""
        scene.api, scene.failing, scene.asked = api, failing, []
        path = api.base.removeprefix(f"https://{HOME}")
        asked = {"pagination": NEXT_URL, "transport": {"path": path}, "retry": {"maxAttempts": 1}}
        found = pulled(rig, tmp_path / "spool", state, **asked)
        assert (found.end.reason is Reason.SUCCEEDED) == (failing is None), found.end.message
        got = bodies(found)
        if failing is not None:
            found = pulled(rig, tmp_path / "spool", found.resume, **asked)
            assert found.end.reason is Reason.SUCCEEDED
            got += bodies(found)
        return found.segments, got, list(dict.fromkeys(scene.asked))

    @settings(max_examples=12, deadline=None)
    @given(linked_pages(), st.data())
    def check(api, drawn):
        cut = drawn.draw(st.integers(1, api.pages), label="pages of the first attempt")
        failing = drawn.draw(st.sampled_from(api.asked), label="fails")
        segments, whole, urls = attempts(api, None, None)
        assert urls == api.asked
        assert attempts(api, failing, None)[1:] == (whole, api.asked)
        _, rest, urls = attempts(api, None, resumed(SliceState(), segments[:cut]))
        assert rest == whole[cut:]
        assert urls == api.asked[len(api.asked) - len(urls) :]

    check()
