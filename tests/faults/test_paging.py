"""Servers that page in every way, and lie: every record is read, or the run fails by name."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from chartly.egress import next_page, paging
from chartly.egress.pull_progress import PullProgress
from chartly.errors import REASONS, Reason
from chartly.extract import records
from chartly.extract.jsonpath import compile_path
from chartly.extract.pages import PageReader
from chartly.extract.peek import Glance, Peek
from chartly.extract.structs import compile_structs
from chartly.plan.runplan import RunPlan
from chartly.slices import SliceState
from chartly.warning import RunWarning, WarningReason
from chartly_connector.egress_client import EgressClient
from chartly_connector.pull import Spooling, pull
from chartly_loader.load import load
from chartly_spool.segment import End, Segment
from chartly_spool.spool_reader import SpoolReader
from chartly_store.embedded import open_embedded
from faults.scale import SEED, scaled
from faults.tally import TALLY
from support.connecting import HeldClock, Rig, connector_spec
from support.http_servers import authority, reply
from support.loaded import events
from support.loading import clock, nothing, request, sales_plan
from support.paging_profiles import FILTER, Case, Profile, cases, unnoticeable
from support.paging_servers import Fault, PagingServer
from support.profiles import HOME
from support.pulling import resumed
from support.spooling import MAIN, alone

pytestmark = pytest.mark.timeout(scaled(120, 1800))

SERVERS = scaled(120, 2500)
CONNECTED = scaled(8, 60)
"""Servers that are asked over a real connection, too."""
SETTINGS = settings(
    max_examples=SERVERS,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@dataclass
class InProcess(httpx.BaseTransport):
    """Answers in place of a network; all above it is the connector's own."""

    server: PagingServer
    targets: list[str] = field(default_factory=list)

    def handle_request(self, asked: httpx.Request) -> httpx.Response:
        target = asked.url.raw_path.decode()
        status, headers, body = self.server.answer(target, self.targets)
        self.targets.append(target)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


@dataclass(frozen=True)
class Run:
    """What one attempt asked for and left."""

    end: End
    segments: list[Segment]
    targets: list[str]


def run(case: Case, spool: Path, start: SliceState | None = None) -> Run:
    """One attempt of the connector, from its first request or from where another one was cut."""
    transport = InProcess(case.server)
    return Run(*pulled(case, spool, transport, start), transport.targets)


def pulled(
    case: Case, spool: Path, transport: httpx.BaseTransport, start: SliceState | None = None
) -> tuple[End, list[Segment]]:
    """How an attempt ended, and its pages."""
    spec, held = connector_spec(**case.spec), HeldClock()
    plan = RunPlan(HOME, "", "sales-http", spec, "", (), (), (), (MAIN,))
    client = EgressClient(spec, transport, None, held.clock)
    spool.mkdir(exist_ok=True)
    for old in spool.iterdir():
        old.unlink()
    with SpoolReader(spool) as reader:
        reader.write_state(alone(start))
        end = pull(plan, client, Spooling(spool), held.clock)
        return end, reader.next_segments(1000, 2**30, 1)


def keys(case: Case, segments: list[Segment]) -> list[Any]:
    """What the loader reads in the pages, a record's key each."""
    spec = connector_spec(**case.spec)
    paths = {"id": compile_path("$.id")}
    structs = compile_structs(spec.records, [*paths.values()])
    reader = PageReader(spec.records, spec.pagination.mode, paths, structs)
    read: list[Any] = []
    for segment in segments:
        page = reader.read(segment.body)
        assert page.count == segment.meta.records
        column = page.columns["id"]
        read += column if isinstance(column, list) else column.to_pylist()
    return read


def allows_loss(warning: RunWarning) -> bool:
    """Whether a warning says that records may be missing."""
    never_seen = warning.reason is WarningReason.PAGING_FIELD_NEVER_SEEN
    return never_seen or "taken for the last" in warning.message


def verdict(case: Case, found: Run) -> str:
    """What became of the records; what nothing may show is told from what must be shown.

    Raises:
        AssertionError: a record is missing, or came from nowhere, and the run says nothing of it.
    """
    end = found.end
    if end.reason is not Reason.SUCCEEDED:
        assert end.reason in REASONS, end.reason
        assert end.reason is not Reason.INTERNAL_ERROR, end.message
        assert " " in end.message, "a failure without a sentence"
        return f"failed: {end.reason}"
    read, expected = Counter(keys(case, found.segments)), Counter(case.expected)
    if case.server.grows is not None:
        read.pop("new", None)
    exact = read.keys() == expected.keys() if case.repeats else read == expected
    if exact:
        return "warned" if end.warnings else "whole"
    if any(map(allows_loss, end.warnings)) and read.keys() <= expected.keys():
        return "warned of a loss"
    because = unnoticeable(case)
    assert because, f"Succeeded with {sorted(read.elements())} of {sorted(expected.elements())}"
    return f"cannot be noticed: {because}"


def cut_everywhere(case: Case, whole: Run, spool: Path) -> None:
    """A run that is cut behind any page asks for the same, and reads the same."""
    for cut in range(1, len(whole.segments)):
        state = resumed(SliceState(), whole.segments[:cut])
        rest = run(case, spool, state)
        assert rest.end.reason is whole.end.reason, f"cut behind page {cut}: {rest.end.message}"
        urls = [segment.meta.url for segment in whole.segments[cut:]]
        assert [segment.meta.url for segment in rest.segments] == urls, f"cut behind page {cut}"
        assert keys(case, rest.segments) == keys(case, whole.segments[cut:])
        assert rest.end.warnings == whole.end.warnings, f"cut behind page {cut}"
        assert rest.targets == whole.targets[-len(rest.targets) :], f"cut behind page {cut}"


def examine(case: Case, spool: Path, *, cuts: bool) -> str:
    """One server under the whole property."""
    whole = run(case, spool)
    outcome = verdict(case, whole)
    # A server that grows answers by how often it was asked, and a failure may end with the try.
    if cuts and case.server.grows is None and whole.end.reason is Reason.SUCCEEDED:
        cut_everywhere(case, whole, spool)
    return outcome


def each(examine_case: Callable[[Case], object], **more: Any) -> None:
    """Calls it with the servers that the seed gives."""

    def described(case: Case) -> None:
        note(f"{case.server}\n{case.profile}\n{case.spec}")
        examine_case(case)

    seed(SEED)(settings(SETTINGS, **more)(given(cases())(described)))()


def test_every_record_is_read_or_the_run_fails_by_name(tmp_path):
    outcomes: Counter[str] = Counter()

    def paged(case: Case) -> None:
        outcomes[examine(case, tmp_path / "spool", cuts=True)] += 1

    each(paged)
    TALLY.paged += outcomes
    assert outcomes.total() >= SERVERS
    assert outcomes["whole"] + outcomes["warned"] > SERVERS // 4, outcomes


def test_a_real_connection_changes_nothing(tmp_path):
    trust = authority(tmp_path)

    def asked_twice(case: Case) -> None:
        with ExitStack() as stack:
            rig = Rig(trust, stack)

            def script(_number: int, asked: Any, server: Any) -> list[bytes]:
                status, headers, body = case.server.answer(asked.target, server.targets[:-1])
                return reply(body, status, headers)

            server = rig.serve(script)
            end, segments = pulled(case, tmp_path / "spool", rig.transport())
        found = run(case, tmp_path / "spool")
        assert (end, segments) == (found.end, found.segments)
        assert server.targets == found.targets

    each(asked_twice, max_examples=CONNECTED)


LOADED = {
    "numbers": Case(PagingServer("page", 12, cap=3), Profile("page", asked=5, parameter="page")),
    "offsets of a server that caps": Case(
        PagingServer("offset", 12, cap=2), Profile("offset", asked=6, parameter="offset")
    ),
    "links that are only a query, and a hole": Case(
        PagingServer("nextUrl", 12, behind="null", link="query", hole=1), Profile("nextUrl")
    ),
    "a filter that leaves a page empty": Case(
        PagingServer("page", 12, size=1),
        Profile("page", parameter="page", sized=False, path=FILTER),
    ),
    "a last page that comes again, and a failure": Case(
        PagingServer("page", 10, behind="repeat", fault=Fault("pending", 1, always=False)),
        Profile("page", parameter="page", stops=("repeatedPage",)),
    ),
}


def test_what_was_read_is_what_is_stored(tmp_path):
    """Through the loader into the embedded engine."""
    with closing(open_embedded(tmp_path / "store")) as engine:
        for number, (name, case) in enumerate(LOADED.items()):
            project = replace(HOME, project=f"paged-{number}")
            found = run(case, tmp_path / f"spool-{number}")
            assert verdict(case, found) in ("whole", "warned"), name
            run(case, tmp_path / f"spool-{number}")
            parts = {f"spec.{part}": case.spec[part] for part in ("pagination", "records")}
            plan = sales_plan(project, {"connector": parts})
            asked = request(plan, tmp_path / f"spool-{number}")
            asked = replace(asked, checkpoint=tmp_path / f"checkpoint-{number}")
            result = load(asked, engine, nothing, clock)
            assert result.reason is Reason.SUCCEEDED, name
            stored = [row[0] for row in events(engine, plan, "event_id")]
            assert stored == sorted({*case.expected}), name


def _as_asked(pagination: Any, page: Any, before: Any) -> int | None:
    return int(before.next or 0) + pagination.page_size if page.size else None


def _absent_is_empty(document: object, path: Any, **_: object) -> Any:
    return _BY_PATH(document, path, optional=True)


def _counts_after_filter(self: Peek, body: bytes) -> Glance:
    glance = _PAGE(self, body)
    return replace(glance, size=glance.records)


def _no_check(*_: object, **__: object) -> None:
    """Whatever the page before said."""


_BY_PATH, _PAGE = records._by_path, Peek.page
PAGES = Profile("page", parameter="page")
MUTANTS: dict[str, tuple[Any, str, Any, Case]] = {
    "a page that comes again counts": (
        paging,
        "_is_repeated",
        lambda *_: False,
        Case(PagingServer("page", 6, says="total", ignores=True), replace(PAGES, heeds=True)),
    ),
    "a course begins anew behind a cut": (
        paging,
        "progress_at",
        lambda position: PullProgress(position["next"]),
        Case(PagingServer("page", 6, behind="404"), replace(PAGES, stops=("statuses",))),
    ),
    "a filter ends the pages": (
        Peek,
        "page",
        _counts_after_filter,
        Case(PagingServer("page", 12, size=1), replace(PAGES, sized=False, path=FILTER)),
    ),
    "an offset moves by what was asked for": (
        next_page,
        "_FOLLOWING",
        {**next_page._FOLLOWING, "offset": _as_asked},
        Case(PagingServer("offset", 12, cap=2), Profile("offset", parameter="offset")),
    ),
    "what the API owes is forgotten": (
        paging,
        "_check_owed",
        _no_check,
        Case(
            PagingServer("page", 9, says="hasMore", fault=Fault("blank", 1, always=False)),
            replace(PAGES, heeds=True),
        ),
    ),
    "absent counts as empty": (
        records,
        "_by_path",
        _absent_is_empty,
        Case(PagingServer("page", 9, fault=Fault("error", 1, always=True)), PAGES),
    ),
}
"""What is replaced by what, and a server of which such a connector loses records."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_connector_that_loses_records_is_caught(tmp_path, monkeypatch, mutant):
    *replaced, case = MUTANTS[mutant]
    examine(case, tmp_path / "spool", cuts=True)
    monkeypatch.setattr(*replaced)
    with pytest.raises(AssertionError):
        examine(case, tmp_path / "spool", cuts=True)


@pytest.mark.parametrize("mutant", [*MUTANTS][: scaled(3, len(MUTANTS))])
def test_servers_of_the_seed_catch_it_too(tmp_path, monkeypatch, mutant):
    monkeypatch.setattr(*MUTANTS[mutant][:3])

    def paged(case: Case) -> None:
        examine(case, tmp_path / "spool", cuts=True)

    with pytest.raises(AssertionError):
        each(paged, max_examples=2500, phases=[Phase.generate])
