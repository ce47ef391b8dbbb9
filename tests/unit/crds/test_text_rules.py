import re

import pytest
from pydantic import AfterValidator

from chartly.api.model import SLUG_SAYS, Slug
from chartly.api.reference import KIND_SAYS, NAME_SAYS, PROJECT_SAYS, SHAPE_SAYS
from chartly.api.transport import CIDR_SAYS, Cidr
from chartly.api.version import LATEST_SAYS, VERSION_SAYS
from chartly.crds.annotations import Checks
from chartly.crds.text_rules import is_instant, reference_rules, rules_of_type, slug


def checks_of(known):
    return Checks().plus(known.__metadata__).own


def test_a_type_has_the_rules_of_its_check():
    assert [rule.message for rule in rules_of_type(checks_of(Slug))] == [SLUG_SAYS]
    assert [rule.message for rule in rules_of_type(checks_of(Cidr))] == [CIDR_SAYS]
    assert rules_of_type([]) == ()


def test_a_check_that_no_rule_says_is_an_error():
    with pytest.raises(LookupError, match="no rule says in CEL"):
        rules_of_type([AfterValidator(str.strip)])


def test_a_reference_is_told_of_each_part():
    """INV-10."""
    assert [rule.message for rule in reference_rules()] == [
        SHAPE_SAYS,
        KIND_SAYS,
        NAME_SAYS,
        LATEST_SAYS,
        VERSION_SAYS,
        PROJECT_SAYS,
    ]


def test_patterns_are_of_the_whole_text():
    for expression in (slug("self"), is_instant("self")):
        assert re.findall(r"r'(\^.*\$)'", expression)
