"""The audit events of an attempt, in a chain of its own and in its project's chain."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from chartly.errors import Reason
from chartly.evidence.audit_event import Source
from chartly.evidence.audit_trail import Trail, end_type, is_ended, missing_types, required_types
from chartly.evidence.hash_chain import verify
from chartly.plan.runplan import StreamPlan
from chartly.slices import Slice
from chartly.warning import RunWarning
from chartly_loader.load_request import LoadRequest, Now
from chartly_spool.segment import End
from chartly_store.audit_chains import AttemptChains
from chartly_store.audit_log import project_chain
from chartly_store.project_store import ProjectStore
from chartly_store.rollup import RollupResult

_MESSAGE = 500
"""Characters of a message that an event holds."""
_SLICES = 100
"""Slices that an event names."""


class AttemptAudit:
    """The audit events of one attempt."""

    def __init__(self, request: LoadRequest, store: ProjectStore, now: Now) -> None:
        self._request = request
        self._now = now
        self._source = Source(request.plan.project, request.actor, request.run_id, request.attempt)
        self._trail = Trail(self._source, now)
        self._chains = AttemptChains(store)
        self._home = project_chain(store, request.checkpoint)

    @property
    def head(self) -> str:
        """The head of the attempt's own chain."""
        return str(self._trail.head)

    def open(self) -> None:
        """Creates the tables, and records the ends of attempts that died."""
        self._chains.create()
        self._home.create()
        self._home.settle(self._now)

    def started(self) -> None:
        """Records the start in both chains, before the attempt does anything else."""
        for profile in self._request.plan.profiles:
            self._trail.record(
                f"{profile.reference.profile.kind}.profile.resolved",
                {
                    "reference": str(profile.reference),
                    "foundIn": profile.found_in,
                    "digest": profile.digest,
                },
            )
        identity = {
            "workflow": f"{self._request.workflow}@{self._request.workflow_version}",
            "attempt": self._request.attempt,
            "configDigest": self._request.plan.digest,
            "runDigest": self._request.run_digest,
            **self._request.evidence,
        }
        self._trail.record("workflow.run.started", identity)
        self._trail.record(
            "connector.run.started", {"connector": self._request.plan.connector_name}
        )
        self._trail.record("normalizer.run.started")
        self._keep("workflow.run.started", identity)

    def connector_ended(self, end: End) -> None:
        outcome = "succeeded" if end.reason is Reason.SUCCEEDED else "failed"
        counters = {name: str(value) for name, value in asdict(end.counters).items()}
        data: dict[str, object] = {**counters, "reason": end.reason.value, "pages": end.pages}
        if not self._is_plain:
            data |= _listed(
                {"stream": ended.slice.stream, "slice": ended.slice.key, "pages": ended.pages}
                | {"reason": ended.reason.value}
                for ended in sorted(end.slices, key=lambda ended: ended.reason is Reason.SUCCEEDED)
            )
        self._trail.record(f"connector.run.{outcome}", data)

    def too_many_rejects(
        self, stream: StreamPlan, totals: Mapping[str, int], reason: Reason
    ) -> None:
        data = {**totals, "reason": reason.value}
        self._trail.record("normalizer.run.failed", {**self._of_stream(stream), **data})

    def normalized(self, stream: StreamPlan, totals: Mapping[str, int]) -> None:
        self._trail.record("normalizer.run.succeeded", {**self._of_stream(stream), **totals})

    def dataset_updated(
        self,
        stream: StreamPlan,
        totals: Mapping[str, int],
        slices: Mapping[Slice, Mapping[str, int]],
    ) -> None:
        digests = {
            "storageDigest": stream.storage_digest,
            "normalizerDigest": stream.normalizer_digest,
        }
        data: dict[str, object] = {"dataset": stream.storage.dataset, **digests, **totals}
        if not self._is_plain:
            data |= self._of_stream(stream)
            data |= _listed({"slice": slice_.key, **counts} for slice_, counts in slices.items())
        self._trail.record("dataset.updated", data)

    def rolled_up(self, digest: str, result: RollupResult) -> None:
        self._trail.record("analytics.query.executed", {"digest": digest, **asdict(result)})
        self._trail.record("dataset.updated", {**asdict(result)})

    def ended(
        self,
        reason: Reason,
        message: str,
        counts: Mapping[str, int],
        warnings: Iterable[RunWarning] = (),
    ) -> None:
        """Records the end of the attempt, and of every part of it that has not ended."""
        types = {entry.event["type"] for entry in self._trail.entries}
        for part in ("connector", "normalizer"):
            if not types & {f"{part}.run.succeeded", f"{part}.run.failed"}:
                self._trail.record(f"{part}.run.failed", {"reason": reason.value})
        kind = end_type(reason)
        closing: dict[str, object] = {
            "reason": reason.value,
            "message": message[:_MESSAGE],
            **counts,
        }
        warned = Counter[str]()
        for warning in warnings:
            warned[warning.reason.value] += warning.count
        if warned:
            closing["warnings"] = dict(warned)
        self._trail.record(kind, closing)
        self._keep(kind, closing)

    def reads_back(self, reason: Reason) -> bool:
        """Whether the store returns every event that an attempt with this reason must have."""
        entries = self._chains.of_attempt(self._request.run_id, self._request.attempt)
        if verify(entries, self._trail.head).fault is not None:
            return False
        kinds = [profile.reference.profile.kind for profile in self._request.plan.profiles]
        if reason is Reason.SUCCEEDED:
            return not missing_types(
                entries, required_types(kinds, len(self._request.plan.analytics))
            )
        return is_ended(entries, kinds, reason)

    @property
    def _is_plain(self) -> bool:
        """Whether the run has one plain slice only, so that events need not name it."""
        slices = self._request.plan.slices
        return len(slices) == 1 and slices[0].is_plain

    def _of_stream(self, stream: StreamPlan) -> dict[str, object]:
        return {} if self._is_plain else {"stream": stream.name}

    def _keep(self, kind: str, data: Mapping[str, object]) -> None:
        """Stores the events so far, and records their head in the project's chain."""
        run_id, attempt = self._request.run_id, self._request.attempt
        self._chains.append(run_id, attempt, self._trail.entries)
        chain = {"chain": f"{run_id}/{attempt}", "head": self.head}
        self._home.append_project([(kind, {**data, **chain})], self._source, self._now)


def _listed(slices: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """Slices in the form of an event: the first ones, and the number of the others."""
    each = [dict(counts) for counts in slices]
    left = {"slicesLeftOut": len(each) - _SLICES} if len(each) > _SLICES else {}
    return {"slices": each[:_SLICES], **left}
