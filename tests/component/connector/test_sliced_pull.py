"""Pulls of several slices: a server, a client, and the spool that the loader would read."""

import json
import logging

import pytest

from chartly.errors import Reason, RunError
from chartly.plan.runplan import RunPlan
from chartly.slices import PullState, Slice, SliceState, slice_of
from chartly_connector.pull import Spooling, pull
from chartly_spool.segment import SliceEnd
from chartly_spool.spool_reader import SpoolReader
from chartly_spool.spool_writer import SpoolWriter
from support.connecting import CANARY, HOME, connector_spec
from support.http_servers import in_turn, json_reply, reply
from support.profiles import HOME as PROJECT
from support.pulling import CURSOR

EU, US, MAIN = slice_of("visits", {"site": "eu"}), slice_of("visits", {"site": "us"}), Slice("main")
FRESH = PullState(dict.fromkeys((EU, US, MAIN), SliceState()), 4)


def page(number, following=None):
    return json_reply({"data": [{"id": number}], "meta": {"next": following}})


def pulled(rig, spool, state=FRESH, **parts):
    """The end of one attempt, and what it left, by slice: number, page and identity."""
    spool.mkdir()
    parts = {"pagination": CURSOR, "retry": {"maxAttempts": 1}, **parts}
    plan = RunPlan(PROJECT, "", "sales-http", connector_spec(**parts), "", (), (), (), ())
    with SpoolReader(spool) as reader:
        reader.write_state(state)
        end = pull(plan, rig.client(**parts), Spooling(spool), rig.held.clock)
        segments = reader.next_segments(1000, 2**30, 1)
        assert reader.end == end
    return end, [
        (one.meta.number, one.meta.slice, one.meta.page, json.loads(one.body)["data"][0]["id"])
        for one in segments
    ]


def test_slices_are_pulled_one_after_another_with_their_own_pages(rig, tmp_path, caplog):
    server = rig.serve(in_turn(page(0, "b"), page(1), page(2), page(3, "b"), page(4)))
    with caplog.at_level(logging.INFO, "chartly_connector"):
        end, segments = pulled(rig, tmp_path / "spool")
    assert segments == [
        (4, EU, 0, 0),
        (5, EU, 1, 1),
        (6, US, 0, 2),
        (7, MAIN, 0, 3),
        (8, MAIN, 1, 4),
    ]
    assert server.targets == ["/items", "/items?cursor=b", "/items", "/items", "/items?cursor=b"]
    assert (end.reason, end.pages, end.warnings) == (Reason.SUCCEEDED, 5, ())
    assert [(one.slice, one.pages) for one in end.slices] == [(EU, 2), (US, 1), (MAIN, 2)]
    said = [one.getMessage() for one in caplog.records]
    assert said[1] == f'page 1 of visits {{"site":"eu"}}: 1 records from https://{HOME}/items'
    assert said[3] == f"page 0: 1 records from https://{HOME}/items"


def test_a_failed_slice_leaves_the_others_going_and_the_end_says_of_each(rig, tmp_path):
    rig.serve(in_turn(page(0, "b"), reply(status=500), reply(status=403), page(2)))
    end, segments = pulled(rig, tmp_path / "spool")
    assert segments == [(4, EU, 0, 0), (5, MAIN, 0, 2)]
    assert end.reason is Reason.UPSTREAM_UNAVAILABLE, "a retry helps this one"
    assert end.message.startswith(f"{EU}: ")
    assert end.message.endswith("(2 of 3 slices failed)")
    assert [(one.slice, one.pages, one.reason) for one in end.slices] == [
        (EU, 1, Reason.UPSTREAM_UNAVAILABLE),
        (US, 0, Reason.AUTH_REJECTED),
        (MAIN, 1, Reason.SUCCEEDED),
    ]
    assert "status 500" in end.slices[0].message
    assert end.slices[2].message == ""


def test_an_attempt_pulls_only_what_is_left(rig, tmp_path):
    server = rig.serve(in_turn(page(1), page(2)))
    state = PullState(
        {
            EU: SliceState(1, {"next": "b", "pages": 1, "records": 1}, ()),
            US: SliceState(3, complete=True),
            MAIN: SliceState(),
        },
        9,
    )
    end, segments = pulled(rig, tmp_path / "spool", state)
    assert segments == [(9, EU, 1, 1), (10, MAIN, 0, 2)]
    assert server.targets == ["/items?cursor=b", "/items"]
    assert end.slices[1] == SliceEnd(US, 0, Reason.SUCCEEDED, "")


def test_time_that_is_up_ends_what_has_pages_left(rig, tmp_path):
    def slow(number, _request, _server):
        rig.held.seconds += 400
        return page(number)

    rig.serve(slow)
    end, segments = pulled(rig, tmp_path / "spool", maxRunSeconds=600)
    assert [one[1] for one in segments] == [EU, US]
    assert [one.reason for one in end.slices] == [
        Reason.SUCCEEDED, Reason.SUCCEEDED, Reason.LIMIT_REACHED,
    ]  # fmt: skip
    assert end.message == (
        "main: maxRunSeconds 600 is reached and the API has more (1 of 3 slices failed)"
    )


def test_what_ends_the_connector_ends_every_slice(rig, tmp_path, monkeypatch):
    """The page that could not be written is no page of its slice, though it was the last."""
    rig.serve(in_turn(page(0), page(1), page(2)))
    write = SpoolWriter.write

    def full(writer, meta, body):
        if meta.slice == US:
            raise RunError(Reason.LIMIT_REACHED, "no space left")
        return write(writer, meta, body)

    monkeypatch.setattr(SpoolWriter, "write", full)
    end, segments = pulled(rig, tmp_path / "spool")
    assert [one[1] for one in segments] == [EU]
    assert (end.reason, end.message) == (Reason.LIMIT_REACHED, "no space left")
    assert [(one.pages, one.reason) for one in end.slices] == [
        (1, Reason.SUCCEEDED), (0, Reason.LIMIT_REACHED), (0, Reason.LIMIT_REACHED),
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["page_target", "redacted"])
def test_a_signal_ends_the_connector_and_not_one_slice(rig, tmp_path, monkeypatch, place):
    """Before a page is asked for, and behind the schedule's last word about it."""
    server = rig.serve(in_turn(page(0), page(1), page(2)))
    heard = []

    def stopped(*_arguments):
        if not heard:
            heard.append(place)
            raise RunError(Reason.TERMINATED, "the connector was told to stop")
        return "https://a.example/"

    monkeypatch.setattr(f"chartly_connector.pull.EgressClient.{place}", stopped)
    end, segments = pulled(rig, tmp_path / "spool")
    assert (segments, len(server.requests)) == ([], int(place == "redacted"))
    assert {one.reason for one in end.slices} == {end.reason} == {Reason.TERMINATED}


def test_inv_6_what_a_slice_ended_with_holds_no_credential(rig, tmp_path, monkeypatch):
    def echoing(*_arguments):
        raise RunError(Reason.UPSTREAM_UNAVAILABLE, f"the API said {CANARY}")

    monkeypatch.setattr("chartly_connector.pull.EgressClient.fetch", echoing)
    end, _ = pulled(rig, tmp_path / "spool")
    assert all(
        "the API said" in text for text in (end.message, *(one.message for one in end.slices))
    )
    assert CANARY not in (tmp_path / "spool" / "end.json").read_text()
