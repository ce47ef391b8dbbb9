from typing import get_args

import pytest

from chartly.api.connector import Auth, RateLimit
from chartly.api.normalizer import ToDecimal
from chartly.api.pagination import Pagination
from chartly.api.profile import ResourceSpec
from chartly.api.workflow import WorkflowSpec
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.api.workflow_step import SPELLINGS, exactly_one_message, takes_kind_message
from chartly.crds.object_rules import rules_of, rules_of_variant_field, rules_of_variants


def test_a_model_without_rules_has_none():
    assert rules_of(RateLimit) == ()


@pytest.mark.parametrize("model", [ResourceSpec, WorkflowRunSpec])
def test_a_spec_that_never_changes_has_a_rule_of_its_own_not_the_object(model):
    """A rule of the whole object would freeze labels and annotations as well."""
    assert sum("oldSelf" in rule.rule for rule in rules_of(model)) == 1


def test_modes_need_their_fields():
    said = [rule.message for rule in rules_of(Pagination)]
    assert said[:3] == [
        "mode cursor needs requestParam",
        "mode cursor needs responseField",
        "mode nextUrl needs responseField",
    ]
    assert len(rules_of(Auth)) == 2


def test_defaults_count_where_a_field_is_absent():
    assert rules_of(ToDecimal)[0].rule == "self.?scale.orValue(9) <= self.?precision.orValue(38)"


@pytest.mark.parametrize("step", SPELLINGS)
def test_a_step_names_one_profile_of_its_kind(step):
    assert exactly_one_message(step) in [rule.message for rule in rules_of_variants([step])]
    for field in SPELLINGS[step]:
        assert rules_of_variant_field(step, field)[-1].message == takes_kind_message(step)
    assert rules_of_variant_field(step, "stream") == ()


def test_transforms_have_no_rules_of_steps():
    assert rules_of_variants(["toNumber"]) == ()


def test_the_rules_of_steps_know_every_type():
    steps = get_args(get_args(WorkflowSpec.model_fields["steps"].annotation)[0])[0]
    types = {get_args(one.model_fields["type"].annotation)[0] for one in get_args(steps)}
    assert types == set(SPELLINGS)
