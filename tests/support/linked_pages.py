"""APIs whose pages name each other by links of every form, some of them behind redirects."""

from dataclasses import dataclass, field
from urllib.parse import urljoin

from hypothesis import strategies as st

from support.connecting import FRIEND, HOME

_MOST_PAGES = 5
_MOST_REDIRECTS = 2


@dataclass(frozen=True)
class Answer:
    """What a URL answers: a redirect, or a page with a link or without one."""

    location: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class LinkedPages:
    """An API whose first page is at a base, and what its URLs answer.

    Attributes:
        asked: the URLs that lead through all of it, in order.
        pages: how many of them are pages.
    """

    base: str
    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)

    @property
    def pages(self) -> int:
        return sum(self.answers[url].location is None for url in self.asked)


_FORMS = (
    "p{0}",
    "list/p{0}",
    "./p{0}",
    "../p{0}",
    "../../up/p{0}",
    "deep/./er/../p{0}?x=1",
    "?page={0}",
    "?page={0}&q=a/b",
    "/rooted/p{0}",
    "/rooted/dir{0}/",
    f"//{FRIEND}/other/p{{0}}",
    f"https://{FRIEND}/far/p{{0}}",
    f"https://{HOME}/near/p{{0}}?page={{0}}",
)


@st.composite
def linked_pages(draw: st.DrawFn) -> LinkedPages:
    """APIs in which each URL names a new one, by a link or by a redirect."""
    path = draw(st.sampled_from(["/items", "/v1/list", "/v1/list/", "/a/b/c"]))
    api = LinkedPages(f"https://{HOME}{path}", {})
    url = api.base
    steps = draw(st.lists(st.integers(0, _MOST_REDIRECTS), min_size=1, max_size=_MOST_PAGES))
    kinds = [redirects for most in steps for redirects in (*[True] * most, False)]
    for number, redirects in enumerate(kinds, start=1):
        link = draw(st.sampled_from(_FORMS)).format(number)
        api.asked.append(url)
        api.answers[url] = Answer(location=link) if redirects else Answer(link=link)
        url = urljoin(url, link)
    api.asked.append(url)
    api.answers[url] = Answer()
    return api
