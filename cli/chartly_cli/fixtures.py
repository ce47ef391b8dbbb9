"""Fixtures and goldens of a domain, and how they compare."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chartly.api.place import Place
from chartly.api.workflow import Workflow
from chartly.errors import Reason, RunError, SpecError
from chartly.extract.canonical import canonical_json, recanonicalised
from chartly.extract.lenient import read_document
from chartly.extract.pages import compile_reader
from chartly.extract.records import decode_page, select_records
from chartly.extract.shaper import compile_shaper
from chartly.names import slugified
from chartly.plan.runplan import RunPlan

_SAMPLE = ".sample.json"
_CANONICAL = ".expected.canonical.json"


@dataclass(frozen=True)
class Fixture:
    """One sample page and the golden of its events."""

    name: str
    sample: Path
    canonical: Path


@dataclass(frozen=True)
class Comparison:
    """A fixture's events beside its golden.

    Attributes:
        conforms: whether its events are those of the golden, byte for byte.
        difference: how they differ, for a person; it decides nothing.
    """

    fixture: str
    events: int
    conforms: bool
    difference: str


def fixtures_of(folder: Path, workflow: Workflow) -> list[Fixture]:
    """The fixtures of a workflow: ``<domain>[.<case>].sample.json`` beside their goldens."""
    stems = {workflow.name, slugified(workflow.labels.get("domain", ""))} - {""}
    fixtures = []
    for sample in sorted(folder.glob(f"*{_SAMPLE}")):
        name = sample.name.removesuffix(_SAMPLE)
        if slugified(name.partition(".")[0]) in stems:
            fixtures.append(Fixture(name, sample, folder / f"{name}{_CANONICAL}"))
    return fixtures


def strays(folder: Path, workflows: Sequence[Workflow]) -> list[Path]:
    """The samples that no workflow has, by their names."""
    used = {each.sample for workflow in workflows for each in fixtures_of(folder, workflow)}
    return [sample for sample in sorted(folder.glob(f"*{_SAMPLE}")) if sample not in used]


def compare(fixture: Fixture, plan: RunPlan) -> Comparison:
    """Shapes a fixture and compares it with its golden, byte for byte in canonical form.

    Raises:
        SpecError: the golden is not there.
        RunError: sample or golden is not JSON.
    """
    stream = plan.streams[0]
    connector = plan.connector
    reader = compile_reader(
        connector.records, connector.pagination.mode, stream.normalizer, stream.storage
    )
    shaper = compile_shaper(stream.normalizer, stream.storage)
    page = reader.read(page_of(fixture.sample, plan))
    events = [decode_page(event) for event in shaper.events(page)]
    if not fixture.canonical.exists():
        place = Place(object=f"fixture {fixture.name!r}")
        raise place.refusal(f"its golden {fixture.canonical} is not there")
    golden = decode_page(_canonical_bytes(fixture.canonical))
    expected = golden if isinstance(golden, list) else [golden]
    conforms = canonical_json(events) == canonical_json(expected)
    difference = "" if conforms else _diff(fixture, expected, events)
    return Comparison(fixture.name, len(events), conforms, difference)


def page_of(sample: Path, plan: RunPlan) -> bytes:
    """The page of a sample: itself, or one around the single record that it is."""
    body = sample.read_bytes()
    try:
        document = read_document(body)
        select_records(document.content, plan.connector.records, plan.connector.pagination.mode)
    except RunError as error:
        if _is_record(body, plan):
            return b"[%b]" % body
        raise RunError(Reason.CONFIG_INVALID, f"{sample}: {error.message}") from None
    except SpecError:
        return b"[%b]" % body
    return body


def _is_record(body: bytes, plan: RunPlan) -> bool:
    """Whether a sample can be a single record: an object, where no path is configured."""
    try:
        return plan.connector.records.path is None and isinstance(decode_page(body), dict)
    except RunError:
        return False


def _canonical_bytes(golden: Path) -> bytes:
    try:
        return recanonicalised(golden.read_bytes())
    except RunError as error:
        raise RunError(Reason.CONFIG_INVALID, f"{golden}: {error.message}") from None


def _diff(fixture: Fixture, expected: list[object], events: list[object]) -> str:
    lines = difflib.unified_diff(
        _lines(expected), _lines(events), str(fixture.canonical), f"{fixture.name} now", lineterm=""
    )
    return "\n".join(lines)


def _lines(events: list[object]) -> list[str]:
    """The events for a person, a member a line, each value as canonical JSON."""
    return [line for event in events for line in _members(event)]


def _members(event: object) -> list[str]:
    if not isinstance(event, dict):
        return [canonical_json(event).decode("utf-8", "replace")]
    pieces = [canonical_json({name: value}) for name, value in sorted(event.items())]
    return ["{", *(f"  {piece[1:-1].decode('utf-8', 'replace')}," for piece in pieces), "}"]
