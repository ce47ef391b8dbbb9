"""One run of a workflow at a time, with several operators, each behind and likely to die."""

import os

import pytest
from hypothesis import assume
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chartly.api.profile import as_resource as profile_resource
from chartly.api.workflow import as_resource as workflow_resource
from chartly.reconcile.actions import Key
from chartly.reconcile.objects import is_being_deleted, name_of, status_of, uid_of
from chartly_kube.kinds import WATCHED
from support.crowd import Crowd
from support.profiles import playbook_profiles, workflow
from support.small_cluster import GLOBAL, SPACE, namespace, resource, said

RUNS = 4
OPERATORS = 3
ALL = 1_000_000
PLACES = st.integers(0, RUNS - 1)
WHO = st.integers(0, OPERATORS - 1)
ENDS = st.sampled_from([
    said("Succeeded"), said("UpstreamUnavailable", 10), said("AuthRejected", 5), {"exitCode": 137},
])  # fmt: skip


def run_key(name):
    return Key("WorkflowRun", SPACE, name)


def begun(concurrency, runs):
    """The playbook's project, looked at, and runs asked for all at once."""
    flow = workflow_resource(workflow(), SPACE)
    flow["spec"] = {**flow["spec"], "concurrency": concurrency}
    profiles = [profile_resource(one, SPACE) for one in playbook_profiles()]
    spaces = [namespace(SPACE, "tenant-demo", "proj-sales"), namespace(GLOBAL)]
    crowd = Crowd([*spaces, *profiles, flow], OPERATORS)
    crowd.settle()
    for number in range(runs):
        given = {"workflowRef": {"name": "sales-onboard"}}
        crowd.port.objects.create(resource("WorkflowRun", f"sales-{number}", given))
    return crowd


BEGUN = [begun(*one) for one in (("Forbid", 1), ("Queue", 2), ("Queue", RUNS), ("Forbid", RUNS))]
"""With few runs, operators meet over the same one more often."""


class Turns(RuleBasedStateMachine):
    """INV-1, and never two runs of a workflow with Pods at once."""

    @initialize(begun=st.sampled_from(BEGUN))
    def begin(self, begun):
        self.crowd = begun.copied()
        self.runs = len(self.crowd.of("WorkflowRun"))
        self.outcomes = {}

    def _key(self, place):
        return run_key(f"sales-{place % self.runs}")

    @rule(who=WHO, place=PLACES, steps=st.sampled_from([1, 2, 3, 5, 12]))
    def a_worker_goes_on(self, who, place, steps):
        for _ in range(steps):
            self.crowd.operators[who].step(self._key(place))

    @rule(who=WHO, kind=st.sampled_from(WATCHED), count=st.integers(1, 5))
    def a_watch_tells(self, who, kind, count):
        self.crowd.operators[who].watch(kind, count)

    @rule(who=WHO, behind=st.sets(st.sampled_from(WATCHED), max_size=2))
    def watches_tell_all_but_some(self, who, behind):
        for kind in set(WATCHED) - behind:
            self.crowd.operators[who].watch(kind, ALL)

    @rule(who=WHO)
    def an_operator_dies(self, who):
        self.crowd.operators[who].die()

    @rule()
    def pods_start(self):
        for job in self.crowd.of("Job"):
            self.crowd.start_pod(job)

    @rule(end=ENDS)
    def a_pod_ends(self, end):
        for pod in self.crowd.of("Pod")[:1]:
            self.crowd.end_pod(pod, end)

    @rule(seconds=st.sampled_from([1, 30, 400]))
    def time_passes(self, seconds):
        self.crowd.pass_time(seconds)

    @rule(place=PLACES, suspend=st.booleans())
    def somebody_suspends(self, place, suspend):
        self._control(self._key(place), {"suspend": suspend})

    @rule(place=PLACES)
    def somebody_cancels(self, place):
        # A Job on its way while another operator ends its run is beyond what objects can rule out.
        assume(not self.crowd.is_launching(self._key(place)))
        self._control(self._key(place), {"cancel": "terminate"})

    @precondition(lambda self: len(self.crowd.of("WorkflowRun")) > 1)
    @rule(place=PLACES)
    def somebody_deletes_a_run(self, place):
        assume(self._key(place) in self.crowd.port.objects.by_key)
        assume(not self.crowd.is_launching(self._key(place)))
        self.crowd.port.objects.delete(self._key(place), None)

    def _control(self, key, control):
        if key in self.crowd.port.objects.by_key:
            self.crowd.port.objects.update(
                key, lambda one: {**one, "spec": {**one["spec"], "control": control}}
            )

    @invariant()
    def one_run_at_a_time(self):
        assert len(self.crowd.running()) <= 1

    @invariant()
    def one_job_an_attempt(self):
        """INV-1."""
        made = [
            (change.object["metadata"]["ownerReferences"][0]["uid"], name_of(change.object))
            for change in self.crowd.port.objects.history
            if (change.type, change.object["kind"]) == ("ADDED", "Job")
        ]
        lost = {
            name_of(change.object)
            for change in self.crowd.port.objects.history
            if (change.type, change.object["kind"]) == ("DELETED", "Job")
        }
        assert all(made.count(one) == 1 or one[1] in lost for one in made)

    @invariant()
    def no_attempt_that_nobody_needs(self):
        """A Job is lost only if somebody has deleted it, or the run it belongs to."""
        lost = {
            name_of(change.object)
            for change in self.crowd.port.objects.history
            if (change.type, change.object["kind"]) == ("DELETED", "Job")
        }
        for run in self.crowd.of("WorkflowRun"):
            for one in status_of(run).get("attempts", ()):
                assert one.get("reason") != "JobLost" or one["job"] in lost, one

    @invariant()
    def an_outcome_stays(self):
        """INV-2."""
        for run in self.crowd.of("WorkflowRun"):
            if outcome := status_of(run).get("outcome"):
                assert self.outcomes.setdefault(uid_of(run), outcome) == outcome

    def teardown(self):
        """No run waits for ever: whatever happened, everything ends."""
        if not hasattr(self, "crowd"):
            return
        crowd = self.crowd
        for name in [name_of(one) for one in crowd.of("WorkflowRun")]:
            if "suspend" in (crowd.port.objects.by_key[run_key(name)]["spec"].get("control") or {}):
                self._control(run_key(name), {})
        for _ in range(8 * RUNS):
            if all(status_of(one).get("outcome") for one in crowd.of("WorkflowRun")):
                break
            for operator in crowd.operators:
                operator.die()
            crowd.settle()
            assert len(crowd.running()) <= 1
            for job in crowd.of("Job"):
                if not is_being_deleted(job):
                    crowd.start_pod(job)
            assert len(crowd.running()) <= 1
            for pod in crowd.of("Pod"):
                crowd.end_pod(pod, said())
            crowd.pass_time(700)
        left = [one for one in crowd.of("WorkflowRun") if not status_of(one).get("outcome")]
        assert not left, left


FORM = 300 if os.environ.get("CHARTLY_TURNS") == "full" else 20
Turns.TestCase.settings = budget(max_examples=FORM, stateful_step_count=40, deadline=None)
# Without coverage it is four times as fast; smaller tests cover the same code.
TestTurns = pytest.mark.no_cover(pytest.mark.timeout(60 * FORM)(Turns.TestCase))
