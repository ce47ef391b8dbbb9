from chartly.api.model import SLUG_MESSAGE
from chartly.api.workflow_run import RUN_NAME_MESSAGE
from chartly.crds.root_rules import OUTCOME_MESSAGE, profile_rules, run_rules, workflow_rules


def test_names_are_told_at_the_name():
    rules = [*profile_rules(), *workflow_rules(), run_rules()[0]]
    assert {rule.field for rule in rules} == {".metadata.name"}
    assert [rule.message for rule in rules[1:]] == [SLUG_MESSAGE, RUN_NAME_MESSAGE]


def test_an_outcome_stays_even_when_the_status_is_dropped():
    """INV-2: the rule stands at the root, since one at a status is silent where there is none."""
    rule = run_rules()[1]
    assert (rule.message, rule.field) == (OUTCOME_MESSAGE, ".status.outcome")
    assert "has(self.status)" in rule.rule
