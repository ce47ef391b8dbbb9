"""``reasons.md``, ``metrics.md`` and ``audit.md``: the tables that the code itself uses."""

from collections.abc import Iterable

from chartly.api.reference import PROFILE_KINDS
from chartly.errors import REASONS, ReasonInfo, Retry
from chartly.evidence.audit_event import EVENT_TYPES
from chartly.evidence.audit_trail import required_types
from chartly.evidence.hash_chain import Fault
from chartly.evidence.metric_table import METRICS, OPERATOR_METRICS, Metric
from chartly.extract.reject import REJECT_REASONS
from chartly.warning import WARNINGS
from chartly_cli.docs.docstrings import member_sentence
from chartly_cli.docs.markdown import code, page, section, table

RETRY_WORDS = {
    Retry.DONE: "",
    Retry.NEVER: "no",
    Retry.RETRY: "may help",
    Retry.FREE: "may help, and does not count",
    Retry.ACTIVE: "it goes on",
}
_REASONS = """
Every failure has one of these reasons, and says in one sentence which object, field and value it is
about. Commands and runners exit with the code beside it; conditions and Events carry the reason.
Those without a code are no end: objects in a cluster say them on their way.
"""
_WARNINGS = """
A run that succeeded may warn. Warnings are on standard error, in the run's result, in its record in
the store and in a WorkflowRun's `status.warnings`: at most ten, each with the field or place that
it is about, one sentence and how often it was met. `chartly run --fail-on-warning` exits with 29.
"""
_REJECTS = """
A reject is stored with one of these codes, the field, the path and the record; see
[event.md](event.md).
"""
_METRICS = """
A local run writes these metrics, in Prometheus' text format, to
`.chartly/runs/<run>/metrics.prom`. No label names a run. Exact numbers of a run are in its result
and in the store.
"""
_OPERATOR_METRICS = """
Served at `/metrics`, beside `/livez` and `/readyz`. A finished run is counted by the process whose
write of its outcome won.
"""
_EVENTS = """
What a run does is said in CloudEvents 1.0, each with the actor (`unverified` where nothing proves
one), the project, the run, and digests and counts as they apply. `chartly audit show` prints them.
"""
_CHAIN = """
Events are hash chains: each entry has a sequence number, the hash of the entry before it, and the
SHA-256 over the canonical JSON (RFC 8785) of `{sequence, previous, event}`. There is one chain per
attempt of a run, in the table `__audit` of the project's database, and one per project in
`chartly_system`, which records the heads of the former. The head of the project's chain is kept
outside the store, in `.chartly/audit/`. Teardown keeps all of them.

A chain whose process died is entered into the project's chain when the next run starts. Nothing is
added to a project's chain that lacks what was recorded of it (`AuditBroken`): that would overwrite
the proof.

`chartly audit verify` checks all chains and tells the first entry with a fault:
"""
_LIMITS = """
The checkpoint is not signed. Who can write both the store and the folder `.chartly/audit/` can make
a chain anew that verifies; keep copies of the head elsewhere to find that too.
"""


def reasons_page() -> str:
    """The page of reasons and exit codes."""
    rows = (
        (code(reason), _exit_code(info), RETRY_WORDS[info.retry], info.meaning)
        for reason, info in REASONS.items()
    )
    warnings = ((code(reason), meaning) for reason, meaning in WARNINGS.items())
    rejects = ((code(reason), meaning) for reason, meaning in REJECT_REASONS.items())
    return page(
        "Reasons and exit codes",
        _REASONS,
        table(("reason", "exit code", "another attempt", "meaning"), rows),
        section("Warnings", _WARNINGS, table(("warning", "meaning"), warnings)),
        section("Reject reasons", _REJECTS, table(("reason", "meaning"), rejects)),
    )


def _exit_code(info: ReasonInfo) -> str:
    return "" if info.retry is Retry.ACTIVE else str(info.exit_code)


def metrics_page() -> str:
    """The page of metrics."""
    return page(
        "Metrics",
        _METRICS,
        section("Of a run", _metrics(METRICS)),
        section("Of the operator", _OPERATOR_METRICS, _metrics(OPERATOR_METRICS)),
    )


def _metrics(metrics: Iterable[Metric]) -> str:
    rows = (
        (code(metric.name), metric.kind, ", ".join(map(code, metric.labels)), metric.meaning)
        for metric in metrics
    )
    return table(("metric", "type", "labels", "meaning"), rows)


def audit_page() -> str:
    """The page of the audit trail."""
    required = required_types(PROFILE_KINDS, 1)
    rows = ((code(kind), "yes" if kind in required else "") for kind in EVENT_TYPES)
    faults = ((code(fault), member_sentence(Fault, fault.name)) for fault in Fault)
    return page(
        "Audit trail",
        _EVENTS,
        table(("event", "a run that succeeded must have it"), rows),
        "The events of analytics are required when the workflow has an analytics step.",
        section("Chains", _CHAIN, table(("fault", "meaning"), faults), _LIMITS),
    )
