"""Whole pulls: a server, a client, and the spool that the loader would read."""

import pytest

from chartly.errors import Reason
from chartly.slices import SliceState
from support.connecting import CANARY, FRIEND, HOME, STRANGER
from support.http_servers import in_turn, json_reply, redirect, reply
from support.pulling import CURSOR, bodies, pulled, resumed

NEXT_URL = {"mode": "nextUrl", "responseField": "next"}


def page(number, following=None):
    return json_reply({"data": [{"id": number}], "meta": {"next": following}})


def by_cursor(pages):
    """Answers each cursor with its page; the first has none."""

    def script(_number, request, _server):
        cursor = request.target.partition("cursor=")[2]
        return pages[cursor]

    return script


THREE = by_cursor({"": page(0, "b"), "b": page(1, "c"), "c": page(2)})


def test_all_pages_come_in_order_with_what_the_ledger_needs(rig, tmp_path):
    rig.serve(THREE)
    found = pulled(rig, tmp_path / "spool")
    assert bodies(found) == [[{"id": 0}], [{"id": 1}], [{"id": 2}]]
    metas = [one.meta for one in found.segments]
    assert [(one.number, one.page) for one in metas] == [(0, 0), (1, 1), (2, 2)]
    assert [one.position for one in metas] == [
        {"next": "b", "pages": 1, "records": 1, "largest": 1},
        {"next": "c", "pages": 2, "records": 2, "largest": 1},
        None,
    ]
    assert {(str(one.slice), one.status, one.records, one.url) for one in metas} == {
        ("main", 200, 1, f"https://{HOME}/items")
    }
    assert len({one.token_hash for one in metas}) == 3
    assert (found.end.reason, found.end.pages, found.end.message) == (Reason.SUCCEEDED, 3, "")
    counters = found.end.counters
    assert (counters.pages, counters.requests, counters.retries) == (3, 3, 0)
    assert counters.bytes == sum(one.size for one in metas)
    assert counters.codes == {"200": 3}


@pytest.mark.parametrize("committed", [1, 2, 3])
def test_inv_4_an_attempt_goes_on_after_the_last_committed_page(rig, tmp_path, committed):
    server = rig.serve(THREE)
    first = pulled(rig, tmp_path / "spool")
    asked = len(server.requests)
    state = resumed(SliceState(), first.segments[:committed])
    second = pulled(rig, tmp_path / "spool", state)
    assert second.end.reason is Reason.SUCCEEDED
    assert [one.meta.number for one in second.segments] == list(range(committed, 3))
    assert [one.meta for one in second.segments] == [one.meta for one in first.segments[committed:]]
    assert len(server.requests) - asked == 3 - committed


@pytest.mark.parametrize("mode", ["none", "page", "offset"])
def test_inv_4_a_finished_pull_asks_for_nothing_more(rig, tmp_path, mode):
    answers = [page(0)] if mode == "none" else [page(0), json_reply({"data": []})]
    server = rig.serve(in_turn(*answers))
    pagination = {"mode": mode, "pageSize": 1, "sizeParam": "n"}
    first = pulled(rig, tmp_path / "spool", pagination=pagination)
    assert first.resume.complete
    second = pulled(rig, tmp_path / "spool", first.resume, pagination=pagination)
    assert (second.end.reason, second.end.pages) == (Reason.SUCCEEDED, 0)
    assert len(server.requests) == len(answers)


LOOPS = [
    ({"": page(0, "b"), "b": page(1, "b")}, {}, Reason.PAGINATION_LOOP, 2, "a page that names itself"),
    ({"": page(0, "b"), "b": page(1, "c"), "c": page(2, "b")}, {}, Reason.PAGINATION_LOOP, 3, "a cycle"),
    ({"": page(0, "b"), "b": page(1, "c")}, {"maxPages": 2}, Reason.LIMIT_REACHED, 2, "maxPages"),
]  # fmt: skip


@pytest.mark.parametrize(("pages", "limits", "reason", "kept", "because"), LOOPS)
def test_a_loop_keeps_its_pages_and_ends_within_one_request(
    rig, tmp_path, pages, limits, reason, kept, because
):
    server = rig.serve(by_cursor(pages))
    found = pulled(rig, tmp_path / "spool", pagination={**CURSOR, **limits})
    assert found.end.reason is reason, because
    assert (len(found.segments), len(server.requests)) == (kept, kept)


@pytest.mark.parametrize(("pages", "limits", "reason", "kept", "because"), LOOPS)
def test_inv_4_an_attempt_after_it_does_not_succeed(
    rig, tmp_path, pages, limits, reason, kept, because
):
    """A loader killed between the last commit and the end must not make a success of a loop."""
    pages = {**pages, "c": pages.get("c", page(2, "d"))}
    rig.serve(by_cursor(pages))
    pagination = {**CURSOR, **limits}
    first = pulled(rig, tmp_path / "spool", pagination=pagination)
    assert not first.resume.complete
    second = pulled(rig, tmp_path / "spool", first.resume, pagination=pagination)
    assert second.end.reason is reason, because


def test_a_token_that_cannot_be_sent_is_asked_for_again_by_the_next_attempt(rig, tmp_path):
    rig.serve(in_turn(page(0, "b"), page(1, {"deep": 1}), page(1)))
    first = pulled(rig, tmp_path / "spool", retry={"maxAttempts": 1})
    assert first.end.reason is Reason.UPSTREAM_UNAVAILABLE
    assert "pagination.responseField 'meta.next' holds an object" in first.end.message
    assert bodies(first) == [[{"id": 0}]]
    second = pulled(rig, tmp_path / "spool", first.resume)
    assert second.end.reason is Reason.SUCCEEDED
    assert bodies(second) == [[{"id": 1}]]


def test_relative_page_links_start_from_the_page_that_named_them(rig, tmp_path):
    server = rig.serve(
        in_turn(
            json_reply({"data": [1], "next": "list/two?page=2"}),
            json_reply({"data": [2], "next": "three"}),
            json_reply({"data": [3], "next": None}),
        )
    )
    found = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert found.end.reason is Reason.SUCCEEDED
    assert server.targets == ["/items", "/list/two?page=2", "/list/three"]
    assert [one.meta.url.rpartition("/")[2] for one in found.segments] == ["items", "two", "three"]


def test_inv_6_and_7_a_page_link_to_a_stranger_ends_the_run_before_it_is_followed(rig, tmp_path):
    stranger = rig.serve(in_turn(page(9)), STRANGER)
    rig.serve(in_turn(json_reply({"data": [1], "next": f"https://{STRANGER}/p2"})))
    found = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert found.end.reason is Reason.EGRESS_DENIED
    assert len(found.segments) == 1
    assert stranger.opened == 0


def test_inv_6_a_page_link_to_a_friend_is_followed_without_the_credential(rig, tmp_path):
    friend = rig.serve(in_turn(json_reply({"data": [2]})), FRIEND)
    rig.serve(in_turn(json_reply({"data": [1], "next": f"https://{FRIEND}/p2"})))
    found = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert found.end.reason is Reason.SUCCEEDED
    assert CANARY not in str(friend.requests)


def test_inv_6_a_secret_that_an_api_echoes_is_not_kept(rig, tmp_path):
    """``pulled`` looks for it in every file of the spool."""
    rig.serve(in_turn(redirect(f"/echo/{CANARY}"), page(0), redirect(f"http://{HOME}/{CANARY}")))
    found = pulled(rig, tmp_path / "spool")
    assert found.segments[0].meta.url == f"https://{HOME}/echo/***"
    found = pulled(rig, tmp_path / "spool")
    assert found.end.message == (
        f"the redirect of https://{HOME}/items: http://{HOME}/*** leaves https"
    )


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([reply(b"", 401)], Reason.AUTH_REJECTED),
        ([reply(b"", 500)], Reason.UPSTREAM_UNAVAILABLE),
        ([reply(b"<html>")], Reason.UPSTREAM_UNAVAILABLE),
        ([reply(b'{"a": 1}')], Reason.UPSTREAM_UNAVAILABLE),
        ([reply(b'{"rows": [{"a": 1}]}')], Reason.CONFIG_INVALID),
    ],
)
def test_a_pull_that_fails_says_so_in_the_spool(rig, tmp_path, answers, reason):
    rig.serve(in_turn(*answers))
    found = pulled(rig, tmp_path / "spool")
    assert found.end.reason is reason
    assert found.end.message
    assert found.segments == []


def test_what_came_before_a_failure_is_kept(rig, tmp_path):
    rig.serve(in_turn(page(0, "b"), reply(b"", 403)))
    found = pulled(rig, tmp_path / "spool")
    assert found.end.reason is Reason.AUTH_REJECTED
    assert found.end.pages == len(found.segments) == 1


def test_an_api_that_goes_on_longer_than_the_run_may(rig, tmp_path):
    def script(number, _request, _server):
        return page(number, f"c{number}")

    rig.serve(script)
    found = pulled(
        rig, tmp_path / "spool", rateLimit={"maxRequestsPerMinute": 1}, maxRunSeconds=100
    )
    assert found.end.reason is Reason.LIMIT_REACHED
    assert found.end.message == "maxRunSeconds 100 is reached and the API has more"
    assert found.end.pages == 3
    assert not found.resume.complete


def test_a_full_disk_ends_the_pull_and_is_said(rig, tmp_path, monkeypatch):
    rig.serve(THREE)
    spool = tmp_path / "spool"
    from chartly_spool.spool_writer import SpoolWriter

    wait = SpoolWriter.wait_for_state

    def fill(writer, timeout):
        (spool / ".00000001.page.tmp").symlink_to("/dev/full")
        return wait(writer, timeout)

    monkeypatch.setattr(SpoolWriter, "wait_for_state", fill)
    found = pulled(rig, spool)
    assert found.end.reason is Reason.LIMIT_REACHED
    assert found.end.message == f"spool {spool}: no space left on the device"
    assert len(found.segments) == 1


def test_a_bug_is_told_to_the_loader_without_what_it_held(rig, tmp_path, monkeypatch, caplog):
    rig.serve(THREE)
    monkeypatch.setattr("chartly_connector.pull.Peek.page", lambda _peek, _body: 1 / 0)
    found = pulled(rig, tmp_path / "spool")
    assert found.end.reason is Reason.INTERNAL_ERROR
    assert found.end.message == "the connector met ZeroDivisionError; its log has the details"
