"""A mistake gets one sentence, whoever tells it: the API server's words are the command line's."""

import json

import pytest

from chartly.crds.definitions import KINDS, definition
from support.custom_resources import api_with_crds, cli_says, resource, server_says, single_quoted
from support.profiles import changed
from support.resource_cases import LONGER, NO, SAME, TAKEN

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def rig():
    with api_with_crds() as found:
        yield found


@pytest.mark.parametrize(("name", "field", "value", "says"), SAME)
def test_both_say_the_same(rig, name, field, value, says):
    """INV-10; and INV-6: neither shows what may be a credential."""
    bad = changed(resource(name), field, None if value is NO else value, drop=value is NO)
    told_here, told_there = cli_says(bad), server_says(rig, bad)
    assert any(single_quoted(one).endswith(says) for one in told_here), told_here
    assert says in told_there
    assert "canary" not in "".join(told_here).lower() + told_there.lower()


@pytest.mark.parametrize(("name", "field", "value", "core"), LONGER)
def test_both_refuse_in_words_with_one_core(rig, name, field, value, core):
    """INV-10: where the schema alone speaks, the API server's own words hold the same facts."""
    bad = changed(resource(name), field, None if value is NO else value, drop=value is NO)
    told_here, told_there = cli_says(bad), server_says(rig, bad)
    assert any(core in one for one in told_here), told_here
    assert core in told_there.replace('"', "")
    assert "canary" not in "".join(told_here).lower() + told_there.lower()


def messages():
    found = set()
    for kind in KINDS:
        text = json.dumps(definition(kind, lambda model, name: name))
        rules = _rules(json.loads(text))
        found |= {rule["message"] for rule in rules if "oldSelf" not in rule["rule"]}
    return found


def _rules(node):
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "x-kubernetes-validations":
                yield from value
            else:
                yield from _rules(value)
    elif isinstance(node, list):
        for value in node:
            yield from _rules(value)


def test_every_sentence_of_the_rules_is_compared():
    """A rule that no case breaks could say anything. Fields of variants: see test_crd_forms."""
    said = [case[3] for case in (*SAME, *LONGER)]
    compared = {"kind is another one", "is not one of cpu, memory"}
    missing = {
        one
        for one in messages() - compared
        if not any(one in text for text in said) and not one.startswith("unknown field")
    }
    assert missing == set()


@pytest.mark.parametrize(("name", "field", "value"), TAKEN)
def test_what_one_takes_the_other_takes(rig, name, field, value):
    good = changed(resource(name), field, value)
    assert (cli_says(good), server_says(rig, good)) == ((), "")
