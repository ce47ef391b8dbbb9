"""The operator dies between any two writes, and its world changes behind its back."""

import pytest
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chartly.reconcile.actions import Key
from chartly.reconcile.objects import uid_of
from support.run_states import rows, state_of
from support.small_cluster import RUN, SPACE, ConflictError, playbook_cluster, said

ENDS = st.sampled_from([
    said("Succeeded"),
    said("UpstreamUnavailable", 10),
    said("PeerLost", 12),
    {"exitCode": 137},
    {"exitCode": 137, "reason": "OOMKilled"},
    {"exitCode": 0},
    said("AuthRejected", 5),
])  # fmt: skip


STEPS = {(row.state, row.then) for row in rows()}


class Crashes(RuleBasedStateMachine):
    """INV-1 and INV-2 over any order of crashes, stale views, ends, losses and wishes."""

    @initialize()
    def begin(self) -> None:
        self.cluster = playbook_cluster()
        self.cluster.add_run()
        self.outcome: tuple[str, int] | None = None
        self.seen: set[tuple[str, str]] = set()
        self.stale = self.cluster.run_world(self.cluster.run())

    @rule(after=st.integers(0, 6))
    def reconcile(self, after: int) -> None:
        """Decides, and dies after some of the actions."""
        before = state_of(self.cluster.run())
        for action in self.cluster.decide(self.cluster.run()).actions[:after]:
            self.cluster.perform(action)
        then = state_of(self.cluster.run())
        assert before == then or (before, then) in STEPS, "a step that the docs do not have"

    @rule()
    def look(self) -> None:
        """Remembers how the world looks now."""
        import copy

        self.stale = copy.deepcopy(self.cluster.run_world(self.cluster.run()))

    @rule()
    def decide_on_what_was(self) -> None:
        """Another operator, or a view that is behind: its first write that matters is refused."""
        from chartly.reconcile.run_decision import decide_run
        from support.small_cluster import SETTINGS

        try:
            for action in decide_run(self.stale, SETTINGS, self.cluster.now).actions:
                self.cluster.perform(action)
        except ConflictError:
            pass

    @rule(end=ENDS)
    def a_pod_ends(self, end: dict) -> None:
        for job in self.cluster.of("Job"):
            self.cluster.end_pod(job, end)

    @rule()
    def a_pod_starts(self) -> None:
        for job in self.cluster.of("Job"):
            if self.cluster.get("Pod", f"{job['metadata']['name']}-pod") is None:
                self.cluster.start_pod(job)

    @rule()
    def a_job_is_deleted(self) -> None:
        recorded = self._recorded()
        for job in self.cluster.of("Job"):
            # Deleted before anybody saw it, a Job and one that was never made look alike.
            if uid_of(job) in recorded:
                self.cluster.remove(Key("Job", SPACE, job["metadata"]["name"]))

    @rule(seconds=st.sampled_from([1, 30, 400]))
    def time_passes(self, seconds: int) -> None:
        self.cluster.pass_time(seconds)

    @rule()
    def somebody_cancels(self) -> None:
        self.cluster.change(Key("WorkflowRun", SPACE, RUN), control={"cancel": "terminate"})

    def _recorded(self) -> set[str]:
        status = self.cluster.run().get("status") or {}
        return {one["uid"] for one in status.get("attempts", ()) if "uid" in one}

    @invariant()
    def one_job_an_attempt(self) -> None:
        """INV-1."""
        made = self.cluster.jobs_made
        assert len(made) == len(set(made)), made

    @invariant()
    def nothing_runs_that_is_not_recorded(self) -> None:
        """INV-3, intent before act: no Job without frozen inputs and an attempt in the status."""
        status = self.cluster.run().get("status") or {}
        named = {one["job"] for one in status.get("attempts", ())}
        assert {job["metadata"]["name"] for job in self.cluster.of("Job")} <= named
        assert not named or "config" in status

    @invariant()
    def an_outcome_stays(self) -> None:
        """INV-2."""
        status = self.cluster.run().get("status") or {}
        if "outcome" in status:
            now = (status["outcome"], len(self.cluster.jobs_made))
            assert self.outcome in (None, now)
            self.outcome = now

    @invariant()
    def a_status_is_bounded(self) -> None:
        status = self.cluster.run().get("status") or {}
        assert len(status.get("attempts", ())) <= 10


Crashes.TestCase.settings = budget(max_examples=60, stateful_step_count=40, deadline=None)
# Without coverage it is four times as fast; smaller tests cover the same code.
TestCrashes = pytest.mark.no_cover(Crashes.TestCase)
