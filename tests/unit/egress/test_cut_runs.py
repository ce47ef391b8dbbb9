"""INV-4: a run that is cut anywhere asks for the URLs of one that is not."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chartly.api.pagination import Pagination
from chartly.egress.origins import follow, origin_policy, parse_target
from chartly.egress.paging import Paging
from chartly.egress.stop_rules import PageFacts
from support.connecting import FRIEND, HOME
from support.linked_pages import linked_pages

NEXT_URL = Pagination.model_validate({"mode": "nextUrl", "responseField": "next"})
POLICY = origin_policy(f"https://{HOME}", (HOME, FRIEND), ())


def walked(api, cuts=(), failures=()):
    """The URLs asked for, with a new attempt behind each cut page and in place of each failed."""
    asked, seen, failed = [], [], set()
    paging = Paging(NEXT_URL)
    while not paging.is_over:
        request = paging.request()
        target = parse_target(api.base)
        if request.link is not None:
            target = follow(target, request.link, POLICY)
        asked.append(target.url)
        while api.answers[target.url].location is not None:
            target = follow(target, api.answers[target.url].location, POLICY)
            asked.append(target.url)
        number = len(seen)
        if number in failures and number not in failed:
            failed.add(number)
            paging = again(paging, seen)
            continue
        members = {"responseField": api.answers[target.url].link}
        paging.advance(PageFacts(1, members, url=target.url))
        seen.append(request.token_hash)
        if number in cuts and not paging.is_over:
            paging = again(paging, seen)
    return list(dict.fromkeys(asked))


def again(paging, seen):
    position = json.loads(json.dumps(paging.position)) if seen else None
    return Paging(NEXT_URL, position, tuple(seen))


@settings(deadline=None)
@given(linked_pages(), st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)))
def test_inv_4_a_run_that_is_cut_anywhere_asks_for_the_same_urls(api, cuts, failures):
    assert walked(api) == api.asked
    assert walked(api, cuts, failures) == api.asked
