"""APIs that send the credential back: nothing that is kept holds it, and the run goes on."""

import hashlib
import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from chartly.errors import Reason
from chartly.plan.runplan import RunPlan
from chartly.slices import SliceState
from chartly.warning import WarningReason
from chartly_connector.egress_client import EgressClient
from chartly_connector.pull import Spooling, pull
from chartly_connector.secrets import Credential
from chartly_spool.spool_reader import SpoolReader
from support.connecting import FRIEND, HOME, connector_spec
from support.http_servers import in_turn, json_reply, redirect, reply
from support.profiles import HOME as PROJECT
from support.spooling import MAIN, alone

SECRET = "Canary/3c9E+1f77aa="
CURSOR = {"mode": "cursor", "requestParam": "cursor", "responseField": "next"}
NEXT_URL = {"mode": "nextUrl", "responseField": "next"}
SPELLED = {
    "plain": SECRET,
    "upper": SECRET.upper(),
    "mixed": SECRET.swapcase(),
    "percent": quote(SECRET, safe=""),
    "base64": b64encode(f"user:{SECRET}".encode()).decode(),
}


def items(following=None, **more):
    return json_reply({"data": [{"id": 1, **more}], "next": following})


def pulled(rig, spool, state=None, **parts):
    """How a pull ended, what was asked for, and the segments; none of it holds the secret."""
    spool.mkdir(exist_ok=True)
    for old in spool.iterdir():
        old.unlink()
    spec = connector_spec(**parts)
    credential = Credential("api/token", SECRET, None)
    client = EgressClient(spec, rig.transport(), credential, rig.held.clock)
    plan = RunPlan(PROJECT, "", "sales-http", spec, "", (), (), (), (MAIN,))
    with SpoolReader(spool) as reader:
        reader.write_state(alone(state))
        end = pull(plan, client, Spooling(spool, 2**20), rig.held.clock)
        segments = reader.next_segments(1000, 2**30, 1)
    kept = b"".join(file.read_bytes() for file in spool.iterdir()).lower()
    for spelled in SPELLED.values():
        assert spelled.lower().encode() not in kept
        assert json.dumps(spelled)[1:-1].lower().encode() not in kept
    return end, segments, client.traffic


def echoes(traffic):
    assert {one.reason for one in traffic.warnings} <= {WarningReason.CREDENTIAL_ECHOED}
    return sum(one.count for one in traffic.warnings)


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_inv_6_a_record_that_holds_the_credential(rig, tmp_path, spelled):
    rig.serve(in_turn(items(echo=f"you sent {spelled}", other="kept")))
    end, [segment], traffic = pulled(rig, tmp_path / "spool", pagination={"mode": "none"})
    assert (end.reason, echoes(traffic)) == (Reason.SUCCEEDED, 1)
    [record] = json.loads(segment.body)["data"]
    assert record["other"] == "kept"
    assert record["echo"].startswith("you sent ")
    assert hashlib.sha256(segment.body).hexdigest() == segment.meta.sha256
    assert len(segment.body) == segment.meta.size


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "iso-8859-1", "utf-8-sig"])
def test_inv_6_the_credential_is_found_in_every_encoding_of_a_page(rig, tmp_path, charset):
    page = json.dumps({"data": [{"id": 1, "echo": f"\u00e4 {SECRET}"}]}, ensure_ascii=False)
    named = {"Content-Type": f"application/json; charset={charset.removesuffix('-sig')}"}
    rig.serve(in_turn(reply(page.encode(charset), headers=named)))
    end, [segment], traffic = pulled(rig, tmp_path / "spool", pagination={"mode": "none"})
    assert (end.reason, echoes(traffic)) == (Reason.SUCCEEDED, 1)
    assert json.loads(segment.body)["data"] == [{"id": 1, "echo": "\u00e4 __credential_plain__"}]


@pytest.mark.parametrize("name", ["plain", "upper", "percent"])
def test_inv_6_a_cursor_that_holds_the_credential_is_sent_on_and_not_kept(rig, tmp_path, name):
    token = f"2:{SPELLED[name]}"
    server = rig.serve(in_turn(items(token), items()))
    end, segments, traffic = pulled(rig, tmp_path / "spool", pagination=CURSOR)
    assert (end.reason, echoes(traffic)) == (Reason.SUCCEEDED, 1)
    assert server.targets == ["/items", f"/items?cursor={quote(token, safe='')}"]
    first = segments[0].meta
    state = SliceState(1, first.position, (first.token_hash,))
    pulled(rig, tmp_path / "spool", state, pagination=CURSOR)
    assert server.targets[2] == server.targets[1]


@pytest.mark.parametrize("name", ["plain", "percent"])
def test_inv_6_a_link_at_home_that_holds_the_credential(rig, tmp_path, name):
    link = f"https://{HOME}/items/{SPELLED[name]}?page=2"
    server = rig.serve(in_turn(items(link), items("?page=3"), items()))
    end, segments, _ = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert end.reason is Reason.SUCCEEDED
    path = f"/items/{SPELLED[name]}"
    assert server.targets == ["/items", f"{path}?page=2", f"{path}?page=3"]
    assert segments[1].meta.url == f"https://{HOME}/items/***"


def test_inv_6_a_redirect_at_home_that_holds_the_credential(rig, tmp_path):
    path = f"/items/{SPELLED['percent']}/"
    server = rig.serve(in_turn(redirect(f"{path}?t={SPELLED['percent']}"), items("p2"), items()))
    end, segments, _ = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert end.reason is Reason.SUCCEEDED
    assert server.targets[2] == f"{path}p2"
    assert segments[0].meta.url == f"https://{HOME}/items/***/"


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("way", ["redirect", "link"])
def test_inv_6_no_way_to_another_origin_takes_the_credential_along(rig, tmp_path, way, spelled):
    there = f"https://{FRIEND}/x?token={spelled}"
    home = rig.serve(in_turn(redirect(there) if way == "redirect" else items(there), items()))
    friend = rig.serve(in_turn(items()), FRIEND)
    end, _, _ = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert end.reason is Reason.SECRET_ORIGIN_REFUSED
    assert "holds the credential" in end.message
    assert (friend.opened, len(home.requests)) == (0, 1)


def test_inv_6_a_cursor_in_a_spelling_of_its_own_ends_the_run_by_name(rig, tmp_path):
    server = rig.serve(in_turn(items(SPELLED["mixed"]), items()))
    end, segments, _ = pulled(rig, tmp_path / "spool", pagination=CURSOR)
    assert end.reason is Reason.SECRET_ORIGIN_REFUSED
    assert "holds the credential in a spelling that cannot be sent on" in end.message
    assert (len(server.requests), len(segments)) == (1, 1)


def test_inv_6_a_mark_that_the_api_writes_brings_it_nothing(rig, tmp_path):
    server = rig.serve(in_turn(items("/x?log=__credential_plain__"), items()))
    end, _, _ = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert end.reason is Reason.SECRET_ORIGIN_REFUSED
    assert server.targets == ["/items"]


def test_inv_6_a_mark_in_a_redirect_brings_nothing_either(rig, tmp_path):
    server = rig.serve(in_turn(redirect("/a/__credential_plain__/"), items("p2"), items()))
    end, _, _ = pulled(rig, tmp_path / "spool", pagination=NEXT_URL)
    assert end.reason is Reason.SECRET_ORIGIN_REFUSED
    assert server.targets == ["/items", "/a/__credential_plain__/"]


@pytest.mark.parametrize("name", ["plain", "upper", "percent", "base64"])
def test_inv_6_the_end_s_message_has_stars(rig, tmp_path, name):
    rig.serve(in_turn(redirect(f"http://{HOME}/{SPELLED[name]}")))
    end, _, _ = pulled(rig, tmp_path / "spool", pagination={"mode": "none"})
    assert end.reason is Reason.EGRESS_DENIED
    assert "***" in end.message
    assert "leaves https" in end.message


def test_pages_without_the_credential_bring_no_warning(rig, tmp_path):
    rig.serve(in_turn(items(echo="nothing")))
    _, [segment], traffic = pulled(rig, tmp_path / "spool", pagination={"mode": "none"})
    assert echoes(traffic) == 0
    assert b"__credential" not in segment.body
