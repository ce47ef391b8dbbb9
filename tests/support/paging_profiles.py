"""Profiles that fit a paging server, and such that do not; and losses that nothing can show."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from support.paging_servers import COUNTED, REPEATS, SAYS, Fault, PagingServer

FAULTS = ("error", "pending", "partial", "truncated", "broken", "null", "blank", "missing")
EMPTY_FAULTS = ("null", "blank")
"""Failures that look like an empty page."""
_BEHIND_NUMBERS = ("empty", "null", "absent", "404", "400", "204", "nothing", *REPEATS)
_BEHIND_TOKENS = ("null", "absent", "blank", "false", "self")
FILTER = "$.data[?@.id != 'r1' && @.id != 'r4' && @.id != 'r5']"
TAKEN_OUT = ("r1", "r4", "r5")


@dataclass(frozen=True)
class Profile:
    """What a profile says of a server.

    Attributes:
        asked: records a page that it asks for.
        sized: it sends that to the server.
        start: the first page; None leaves it out.
        parameter: the query parameter that it sends the number or token in.
        field: the member that it takes the next token from.
        heeds: it names what the server says of its end.
        stops: other rules of ``pagination.stop``.
    """

    mode: str
    asked: int = 3
    sized: bool = True
    start: int | None = None
    parameter: str = "at"
    field: str = "next"
    heeds: bool = False
    stops: tuple[str, ...] = ()
    path: str | None = "$.data"
    optional: bool = False


@dataclass(frozen=True)
class Case:
    """A server, and a profile of it."""

    server: PagingServer
    profile: Profile

    @property
    def spec(self) -> dict[str, Any]:
        """The parts of the connector's spec."""
        server, profile = self.server, self.profile
        stop: dict[str, Any] = {}
        if self.told:
            stop[str(server.says)] = SAYS[str(server.says)]
        if "statuses" in profile.stops:
            stop["statuses"] = [400, 404]
        stop |= {name: True for name in ("repeatedPage", "shortPage") if name in profile.stops}
        if "emptyPage" in profile.stops:
            stop["emptyPage"] = profile.mode not in COUNTED
        pagination: dict[str, Any] = {"mode": profile.mode, "maxPages": 30, "maxEmptyPages": 3}
        pagination |= {"stop": stop, "pageSize": profile.asked}
        if profile.sized:
            pagination["sizeParam"] = "limit"
        if profile.mode != "none":
            pagination["requestParam"] = profile.parameter
        if profile.mode in ("cursor", "nextUrl"):
            pagination["responseField"] = profile.field
        if profile.start is not None:
            pagination["start"] = profile.start
        records = {"path": profile.path, "optional": profile.optional}
        return {"pagination": pagination, "records": records, "retry": {"maxAttempts": 2}}

    @property
    def told(self) -> bool:
        """Whether the profile heeds what the server says of its end."""
        return self.profile.heeds and self.server.says is not None

    @property
    def expected(self) -> list[str]:
        """The keys of the records to be read."""
        taken_out = TAKEN_OUT if self.profile.path == FILTER else ()
        return [key for key in self.server.records if key not in taken_out]

    @property
    def repeats(self) -> bool:
        """Whether the server sends records more often than it has them."""
        server = self.server
        number = self.profile.start is not None
        odd = server.ignores or server.overlaps or server.grows is not None or number
        return odd or server.behind in REPEATS or server.window is not None


def unnoticeable(case: Case) -> str:
    """Why this server's records may be missing and nothing shows it; nothing where it must show."""
    return next((because for because, lies in _LIES.items() if lies(case)), "")


def _wrong_start(case: Case) -> bool:
    server, profile = case.server, case.profile
    if profile.mode != "page" or server.ignores or _counts_records(case):
        return False
    start = 1 if profile.start is None else profile.start
    return start > server.first or (start < server.first and server.below == "empty")


def _counts_records(case: Case) -> bool:
    return case.told and case.server.says in ("total", "totalHeader")


def _quiet_fault(case: Case) -> bool:
    fault, profile = case.server.fault, case.profile
    if fault is None:
        return False
    quiet = [*EMPTY_FAULTS, *(["missing"] if "statuses" in profile.stops and fault.page else [])]
    if profile.optional:
        quiet += ["error"]
    # Before the first page the server has said nothing yet.
    return fault.kind in quiet and (not case.told or fault.page == 0)


def _error_as_record(case: Case) -> bool:
    fault, profile = case.server.fault, case.profile
    return bool(fault and fault.kind == "error" and profile.mode == "none" and not profile.path)


def _hole(case: Case) -> bool:
    server, profile = case.server, case.profile
    if server.hole is None or case.told:
        return False
    if profile.mode not in COUNTED:
        lost = server.hole == 0 and profile.field != "next"
        return "emptyPage" in profile.stops or "shortPage" in profile.stops or lost
    return "emptyPage" not in profile.stops or "shortPage" in profile.stops


def _window(case: Case) -> bool:
    return case.server.window is not None and "repeatedPage" in case.profile.stops and not case.told


def _one_page_asked(case: Case) -> bool:
    return case.profile.mode == "none" != case.server.mode and not case.told


def _total_with_overlap(case: Case) -> bool:
    return case.server.overlaps and _counts_records(case)


def _short_page_shifts(case: Case) -> bool:
    uneven = case.server.overlaps or case.server.grows is not None
    return "shortPage" in case.profile.stops and uneven and not case.told


_LIES = {
    "the profile begins elsewhere than the server": _wrong_start,
    "a failure looks like an end that the profile names, and nothing was said": _quiet_fault,
    "a page without pagination and path is a record, whatever it is": _error_as_record,
    "an empty page in between is the end by the profile": _hole,
    "the server repeats a page in between, which is the end by the profile": _window,
    "the profile asks for one page": _one_page_asked,
    "records that come twice are counted in a total": _total_with_overlap,
    "pages in between are shorter than others, which is the end by the profile": _short_page_shifts,
}
"""Servers that are consistently not what the profile says of them."""


@st.composite
def servers(draw: st.DrawFn) -> PagingServer:
    """Every server, the plain ones first."""
    mode = draw(st.sampled_from(["page", "offset", "cursor", "nextUrl", "none"]))
    numbered = mode in COUNTED
    tokens = mode in ("cursor", "nextUrl")
    twist = draw(st.sampled_from([None] * 6 + ["hole", "window", "ignores", "overlaps", "grows"]))
    fault = None
    if draw(st.integers(0, 3)) == 0:
        kind = draw(st.sampled_from(FAULTS))
        fault = Fault(kind, draw(st.integers(0, 3)), draw(st.booleans()))
    return PagingServer(
        mode=mode,
        count=draw(st.integers(0, 12)),
        size=draw(st.integers(1, 4)),
        cap=draw(st.integers(1, 5)),
        first=draw(st.sampled_from([1, 1, 0])) if mode == "page" else 1,
        below=draw(st.sampled_from(["fails", "first", "empty"])),
        behind=draw(st.sampled_from(_BEHIND_NUMBERS if numbered else _BEHIND_TOKENS)),
        says=draw(st.sampled_from([None, *SAYS])),
        link=draw(st.sampled_from(["absolute", "relative", "query"])),
        hole=draw(st.integers(0, 3)) if twist == "hole" and (tokens or mode == "page") else None,
        window=draw(st.integers(0, 2)) if twist == "window" and mode == "page" else None,
        ignores=twist == "ignores",
        overlaps=twist == "overlaps" and (tokens or mode == "page"),
        grows=draw(st.integers(1, 3)) if twist == "grows" and numbered else None,
        copies=draw(st.integers(0, 4)) == 0,
        fault=fault,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Every server, mostly with a profile that fits it."""
    server = draw(servers())
    return Case(server, draw(_fitting(server) if draw(st.integers(0, 9)) < 6 else _any(server)))


@st.composite
def _fitting(draw: st.DrawFn, server: PagingServer) -> Profile:
    stops = {"404": ("statuses",), "400": ("statuses",)} | dict.fromkeys(REPEATS, ("repeatedPage",))
    heeds = draw(st.booleans())
    start = 0 if server.first == 0 else draw(st.sampled_from([None, 1]))
    return Profile(
        mode=server.mode,
        asked=draw(st.integers(1, 6)),
        sized=draw(st.booleans()),
        start=start if server.mode == "page" else None,
        parameter=server.mode if server.mode in COUNTED else "at",
        heeds=heeds,
        stops=stops.get(server.behind, ()),
        path=draw(st.sampled_from([None, "$.data", FILTER])),
        optional=server.behind == "absent" and server.mode in COUNTED,
    )


@st.composite
def _any(draw: st.DrawFn, server: PagingServer) -> Profile:
    mode = draw(st.sampled_from([server.mode] * 5 + ["none"]))
    parameter = server.mode if server.mode in COUNTED else "at"
    rules = ["statuses", "repeatedPage", "shortPage"] + (["emptyPage"] if mode != "offset" else [])
    return Profile(
        mode=mode,
        asked=draw(st.integers(1, 6)),
        sized=draw(st.booleans()),
        start=draw(st.sampled_from([None, 0, 1, 2])) if mode == "page" else None,
        parameter=draw(st.sampled_from([parameter] * 3 + ["other"])),
        field=draw(st.sampled_from(["next"] * 3 + ["following"])),
        heeds=draw(st.booleans()),
        stops=tuple(draw(st.lists(st.sampled_from(rules), unique=True, max_size=3))),
        path=draw(st.sampled_from([None, "$.data", FILTER])),
        optional=draw(st.booleans()),
    )
