"""The verdict on a workflow's fixtures."""

from dataclasses import dataclass, replace

import pytest

from chartly.errors import Reason, RunError
from chartly_service.trial import ComparedGolden, Trial, TrialRun, try_fixtures

RUN = TrialRun(Reason.SUCCEEDED, "", {"read": 1}, {"daily": "f"}, audited=True, warnings=())
GOLDEN = ComparedGolden("sales", "sales.json", conforms=True, events=1, difference="")


@dataclass
class Trials:
    first: TrialRun = RUN
    second: TrialRun = RUN
    golden: ComparedGolden = GOLDEN

    def run(self):
        return Trial(1, self.first, self.second)

    def compare(self):
        return [self.golden]


@pytest.mark.parametrize(
    ("trials", "ok", "problem"),
    [
        (Trials(), True, ""),
        (Trials(golden=replace(GOLDEN, conforms=False, difference="-a\n+b")), False, ""),
        (Trials(second=replace(RUN, audited=False)), False, "audit evidence is missing"),
        (Trials(first=replace(RUN, audited=False)), False, "audit evidence is missing"),
        (Trials(second=replace(RUN, counts={"read": 2})), False, "counts changed from read 1 to read 2"),
        (Trials(second=replace(RUN, outputs={})), False, "outputs changed from daily f to none"),
    ],
)  # fmt: skip
def test_a_workflow_is_ok_if_goldens_conform_and_two_runs_are_alike(trials, ok, problem):
    verdict = try_fixtures(trials)
    assert (verdict.ok, verdict.problem, verdict.run) == (ok, problem, trials.first)
    assert verdict.compared == [trials.golden]


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_run_that_fails_ends_the_trial_with_its_reason(place):
    failed = replace(RUN, reason=Reason.QUALITY_FAILED, message="too many rejects", audited=False)
    with pytest.raises(RunError, match="too many rejects") as raised:
        try_fixtures(Trials(**{place: failed}))
    assert raised.value.reason is Reason.QUALITY_FAILED
