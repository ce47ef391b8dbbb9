"""The tables of the page, each with what it takes to fill it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import flights
from bench.child import measured
from bench.pairs import ROUNDS, Pairs, pairs
from bench.report import Section, mebibytes, rate
from bench.sales import ORDERED, SHUFFLED
from bench.spool import WIDE, hand_out

SIZES = (1_000, 10_000)
QUOTED = (ORDERED, 10_000)
FLIGHTS = 336_776


@dataclass
class Bench:
    """One run of all.

    Attributes:
        events: a million, or fewer for a try; every other size follows from it.
        backlog: events of one more, very long load; 0 for none.
        folder: scratch space.
        peer: the interpreter that has dlt.
        ratio: to the engine alone, of the events and pages that are ``QUOTED``.
    """

    events: int
    backlog: int
    folder: Path
    peer: str
    ratio: float = 0.0
    engine: str = "not run"
    dlt: str = "not run"
    grown: dict[int, Path] = field(default_factory=dict)

    def grow(self, events: int) -> dict[str, Any]:
        """Loads so many events from a stream; the store stays for who reads it."""
        self.grown[events] = self.folder / f"grown-{events}"
        return measured("ours:load_stream", place=self.grown[events], events=events, size=SIZES[-1])

    def spool(self, section: str, events: int, order: str, size: int = SIZES[-1]) -> Path:
        """A place of a section's own with a full spool."""
        place = self.folder / f"{section}-{order}-{events}-{size}"
        place.mkdir()
        measured("spool:fill", spool=place / "spool", events=events, order=order, size=size)
        return place


def load(bench: Bench) -> Section:
    rows = []
    for order in (ORDERED, SHUFFLED):
        for size in SIZES:
            place = bench.folder / f"pairs-{order}-{size}"
            found = pairs(place, bench.events, order, size)
            rows.append([f"{order}, pages of {size:,}", *_pair(found)])
            bench.engine = found.alone[0]["engine"]
            if (order, size) == QUOTED:
                bench.ratio = found.ratio
    return Section(
        "Spool to table, beside the engine alone",
        f"{bench.events:,} sales events into day partitions, three rounds by turns, medians. Ours: "
        "pages verified, decoded, checked, shaped, counted and committed with their ledger; the "
        "whole run adds roll-up and evidence. The engine alone: one `INSERT ... SELECT` with "
        "`JSONExtract` over the same records, with no check at all.",
        ["events", "ours", "whole run", "engine alone", "ratio", "peak, ours", "peak, alone"],
        rows,
    )


def _pair(found: Pairs) -> list[str]:
    peaks = (max(one["rss"] for one in who) for who in (found.ours, found.alone))
    return [
        rate(found.rate(found.ours)),
        rate(found.rate(found.ours, "whole")),
        rate(found.rate(found.alone)),
        f"{found.ratio:.2f}",
        *map(mebibytes, peaks),
    ]


def peer(bench: Bench) -> Section:
    events = bench.events
    template = bench.spool("peer", events, ORDERED)
    hand_out(template / "spool", template / "ours")
    ours = measured("ours:load_spool", place=template / "ours", events=events)
    rows = [["chartly, whole run", rate(events / ours["whole"]), "1", mebibytes(ours["rss"])]]
    for disposition in ("append", "merge"):
        one = measured(
            "peer:load_pages",
            python=bench.peer,
            place=template / disposition,
            pages=template / "spool",
            events=events,
            disposition=disposition,
        )
        bench.dlt = one["version"]
        speed, times = rate(events / one["whole"]), f"{one['whole'] / ours['whole']:.1f}"
        rows.append([f"dlt, {disposition}", speed, times, mebibytes(one["rss"])])
    return Section(
        "Beside dlt",
        f"The same pages with {events:,} events, read from files by both. dlt as it comes, into "
        "DuckDB through Parquet; its `merge` makes one row of one id, as Chartly always does.",
        ["", "events/s", "chartly is faster by", "peak"],
        rows,
    )


def wide(bench: Bench) -> Section:
    rows = []
    for size in SIZES:
        place = bench.spool("wide", bench.events, WIDE, size)
        one = measured("ours:load_spool", place=place, events=bench.events, order=WIDE)
        rows.append([f"20 fields, pages of {size:,}", *_speeds(bench.events, one)])
    return Section(
        "Twenty fields, ten transforms",
        f"{bench.events:,} events, from spool to table.",
        ["", "ours", "whole run", "peak"],
        rows,
    )


def growth(bench: Bench) -> Section:
    steps = [bench.events // 100, bench.events // 10, bench.events, bench.events * 10]
    steps += [bench.backlog] if bench.backlog else []
    rows = [[f"{events:,}", *_speeds(events, bench.grow(events))] for events in steps]
    return Section(
        "One run that grows",
        "Pages are written by a generator beside the loader, on the same cores, through a spool "
        "that holds the generator back when it is full.",
        ["events in the run", "ours", "whole run", "peak"],
        rows,
    )


def _speeds(events: int, one: dict[str, Any]) -> list[str]:
    return [rate(events / one["load"]), rate(events / one["whole"]), mebibytes(one["rss"])]


def reads(bench: Bench) -> Section:
    rows = []
    for events in (bench.events, bench.events * 10):
        if events not in bench.grown:
            bench.grow(events)
        said = measured("reads:read_costs", place=bench.grown[events], events=events)
        for state, title in (("loaded", "as loaded"), ("optimized", "after OPTIMIZE")):
            costs = said[state]
            times = [f"{costs[name]:,.1f}" for name in ("window", "count", "event")]
            rows.append([f"{events:,}, {title}", str(costs["parts"]), *times])
    return Section(
        "Reading one copy of each event",
        "Milliseconds through the dataset's view, which reads with `FINAL`; medians of five, warm. "
        "The window is one day of the playbook's roll-up.",
        [
            "rows in the table",
            "parts",
            "roll-up of a window",
            "count of all",
            "one event by its id",
        ],
        rows,
    )


def stages(bench: Bench) -> Section:
    place = bench.spool("stages", bench.events, ORDERED)
    seconds = measured("stages:stage_costs", place=place, events=bench.events)["seconds"]
    rows = [[name, f"{one:.2f}"] for name, one in seconds.items()]
    return Section(
        "What a million events cost",
        "Processor seconds of the load step, of all threads together. The engine sorts, compresses "
        "and merges in threads of its own.",
        ["", "seconds"],
        [*rows, ["together", f"{sum(seconds.values()):.2f}"]],
    )


def from_api(bench: Bench) -> Section:
    count = min(FLIGHTS, bench.events // 3 + 4_000)
    pulled, ours = [], []
    with flights.served(bench.folder / "flights", count) as server:
        given: dict[str, Any] = {"port": server.port, "ca": server.authority.ca}
        for _ in range(ROUNDS):
            pulled.append(measured("flights:pull_pages", **given))
            ours.append(measured("flights:run_domain", folder=server.folder, **given))
    mine, theirs = (statistics.median(one["whole"] for one in who) for who in (ours, pulled))
    steps = ours[0]["seconds"]
    rows = [
        ["a client that throws the pages away", f"{theirs:.2f}", "1"],
        ["`chartly run`, from start to end", f"{mine:.2f}", f"{mine / theirs:.2f}"],
        *([f"of it: {name}", f"{value:.2f}", ""] for name, value in steps.items()),
    ]
    return Section(
        "From an API to the roll-up",
        f"{count:,} flights from a Datasette on the same machine, over TLS, in pages of 5,000: "
        "`chartly run` with everything it does, beside a client that only pulls the same pages.",
        ["", "seconds", "ratio"],
        rows,
    )


SECTIONS: dict[str, Callable[[Bench], Section]] = {
    "load": load,
    "peer": peer,
    "wide": wide,
    "growth": growth,
    "reads": reads,
    "stages": stages,
    "flights": from_api,
}
