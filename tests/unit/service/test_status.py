"""How the six criteria are judged: yes, no, and not known."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from chartly.api.reference import Project
from chartly.errors import Reason, RunError
from chartly.evidence.hash_chain import GENESIS, ChainVerdict, Fault, Verdict
from chartly.plan.catalog import Catalog
from chartly.plan.prepare import freeze_workflow
from chartly_service.status import StatusSources, criteria
from chartly_service.trial import ComparedGolden, Trial, TrialRun
from support.profiles import playbook_profiles, workflow

HOME = Project("tenant-demo", "proj-sales")
OUTPUT = {"sales-rollup-daily": "one"}
RUN = TrialRun(Reason.SUCCEEDED, "", {"read": 1}, OUTPUT, audited=True, warnings=())
WHOLE = ChainVerdict("run/1", Verdict(1, GENESIS))


@dataclass(frozen=True)
class Recorded:
    run_id: str = "run-1"
    attempt: int = 1
    config_digest: str = "c"
    ingested_at: datetime = datetime(2026, 2, 2, tzinfo=UTC)
    reason: str = "Succeeded"
    audit_head: str = "1:" + GENESIS
    outcome: dict = field(
        default_factory=lambda: {
            "outputs": [{"dataset": "sales-rollup-daily", "fingerprint": "one"}]
        }
    )


@dataclass(frozen=True)
class Part:
    holds: bool = True


@dataclass
class Store:
    recorded: tuple = (Recorded("run-2"), Recorded())
    parts: tuple = (Part(),)
    now: str | None = "one"
    chains: tuple = (WHOLE,)

    def attempts(self, workflow):
        return self.recorded

    def policy(self, schema, storage, expired_at):
        return self.parts

    def pages(self, run):
        return [("a",)]

    def fingerprint(self, dataset):
        return self.now

    def run_entries(self, run, attempt):
        return []

    def verify_chains(self):
        return list(self.chains)


@dataclass
class Trials:
    trial: object = field(default_factory=lambda: Trial(1, RUN, RUN))
    conforms: bool = True

    def run(self):
        if isinstance(self.trial, Exception):
            raise self.trial
        return self.trial

    def compare(self):
        return [ComparedGolden("sales", "sales.json", self.conforms, 1, "")]


def judged(store=None, trials=None, metrics=True, failure=None):
    @contextmanager
    def opened():
        if failure:
            raise failure
        yield store or Store()

    profiles = Catalog([(HOME, one) for one in playbook_profiles()])
    sources = StatusSources(trials or Trials(), opened, lambda _: (metrics, "metrics"))
    return [one.holds for one in criteria(freeze_workflow(workflow(), profiles, HOME), sources)]


GONE = RunError(Reason.PREREQUISITE_MISSING, "nothing has run")
LOST = RunError(Reason.STORE_UNAVAILABLE, "lost")
# The audit events of these stores are missing, so the last criterion is never yes here.
CASES = [
    ({}, [True, True, True, True, True, False], "events are missing"),
    ({"trials": Trials(LOST)}, [True, None, None, True, True, False], "no fixtures ran, two runs are alike"),
    ({"trials": Trials(Trial(1, RUN, replace(RUN, counts={"read": 2})))}, [True, False, True, True, True, False], "counts differ"),
    ({"trials": Trials(Trial(1, RUN, replace(RUN, reason=Reason.QUALITY_FAILED)))}, [True, False, True, True, True, False], "a run failed"),
    ({"trials": Trials(Trial(1, RUN, replace(RUN, outputs={})))}, [True, True, True, True, False, False], "outputs differ"),
    ({"trials": Trials(conforms=False)}, [True, True, False, True, True, False], "a golden differs"),
    ({"store": Store(parts=(Part(), Part(False)))}, [True, True, True, False, True, False], "a part does not hold"),
    ({"store": Store(now="two")}, [True, True, True, True, False, False], "somebody changed an output"),
    ({"store": Store(now=None)}, [True, True, True, True, False, False], "an output is gone"),
    ({"store": Store(recorded=())}, [True, True, True, None, None, False], "nothing has succeeded"),
    ({"store": Store(recorded=(Recorded("run-2", reason="Killed"), Recorded()))}, [True, True, True, True, True, False], "the latest may have published"),
    ({"failure": GONE}, [True, True, True, None, None, False], "no evidence where nothing ran"),
    ({"failure": LOST}, [True, True, True, None, None, None], "unknown where nobody answers"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "holds", "because"), CASES, ids=[c[2] for c in CASES])
def test_each_criterion_is_yes_no_or_not_known(given, holds, because):
    assert judged(**given) == holds, because


@pytest.mark.parametrize(
    ("metrics", "chains", "holds"),
    [
        (True, (WHOLE,), True),
        (None, (WHOLE,), None),
        (False, (WHOLE,), False),
        (True, (ChainVerdict("run/1", Verdict(0, GENESIS, Fault.EDITED, 1)),), False),
        (None, (ChainVerdict("run/1", Verdict(0, GENESIS, Fault.EDITED, 1)),), False),
    ],
)
def test_a_broken_chain_is_no_and_unknown_metrics_are_not_known(
    monkeypatch, metrics, chains, holds
):
    monkeypatch.setattr("chartly_service.status.missing_types", lambda *_: [])
    assert judged(Store(chains=chains), metrics=metrics)[-1] is holds
