import re

import pytest
from pydantic import AfterValidator

from chartly.api.model import SLUG_MESSAGE, Slug
from chartly.api.reference import KIND_MESSAGE, NAME_MESSAGE, PROJECT_MESSAGE, SHAPE_MESSAGE
from chartly.api.transport import CIDR_MESSAGE, Cidr
from chartly.api.version import LATEST_MESSAGE, VERSION_MESSAGE
from chartly.crds.text_rules import is_instant, reference_rules, rules_of_type, slug
from chartly.crds.type_annotations import Checks


def checks_of(known):
    return Checks().plus(known.__metadata__).validators


def test_a_type_has_the_rules_of_its_check():
    assert [rule.message for rule in rules_of_type(checks_of(Slug))] == [SLUG_MESSAGE]
    assert [rule.message for rule in rules_of_type(checks_of(Cidr))] == [CIDR_MESSAGE]
    assert rules_of_type([]) == ()


def test_a_check_that_no_rule_says_is_an_error():
    with pytest.raises(LookupError, match="no rule in CEL"):
        rules_of_type([AfterValidator(str.strip)])


def test_a_reference_is_told_of_each_part():
    """INV-10."""
    assert [rule.message for rule in reference_rules()] == [
        SHAPE_MESSAGE,
        KIND_MESSAGE,
        NAME_MESSAGE,
        LATEST_MESSAGE,
        VERSION_MESSAGE,
        PROJECT_MESSAGE,
    ]


def test_patterns_are_of_the_whole_text():
    for expression in (slug("self"), is_instant("self")):
        assert re.findall(r"r'(\^.*\$)'", expression)
