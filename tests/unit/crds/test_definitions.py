import json
import re
from itertools import chain

import pytest

from chartly.api.normalizer import NormalizerSpec
from chartly.api.profile import SPEC_MODELS
from chartly.crds.definitions import KINDS, definition
from chartly.names import CATEGORY

LARGEST = 256 * 1024
RULES = "x-kubernetes-validations"
NESTED = ("properties", "additionalProperties", "items")


def said(model, name):
    return f"{model.__name__}.{name}"


DEFINITIONS = {kind.name: definition(kind, said) for kind in KINDS}
SCHEMAS = {
    name: one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name, one in DEFINITIONS.items()
}


def nodes(schema, path=""):
    """Every schema within a schema, with its path."""
    yield path, schema
    for name, one in schema.get("properties", {}).items():
        yield from nodes(one, f"{path}.{name}")
    for within in ("items", "additionalProperties"):
        if within in schema:
            yield from nodes(schema[within], f"{path}[]")


def parts(within=""):
    found = chain.from_iterable(nodes(schema, name) for name, schema in SCHEMAS.items())
    return [(path, one) for path, one in found if within in path]


@pytest.mark.parametrize("one", DEFINITIONS.values(), ids=DEFINITIONS)
def test_a_definition_is_served_stored_and_small(one):
    spec = one["spec"]
    version = spec["versions"][0]
    assert one["metadata"]["name"] == f"{spec['names']['plural']}.chartly.io"
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}
    assert (spec["scope"], spec["names"]["categories"]) == ("Namespaced", [CATEGORY])
    assert len(json.dumps(one)) < LARGEST / 2


def test_short_names_are_those_of_the_contract():
    shorts = {name: one["spec"]["names"]["shortNames"] for name, one in DEFINITIONS.items()}
    assert shorts == {"Profile": ["prof"], "Workflow": ["wf"], "WorkflowRun": ["wfr"]}


def test_everything_has_a_greatest_size():
    """What has none makes the cost of a rule unknowable, and an object as large as a request."""
    for path, one in parts():
        kind = one.get("type")
        if kind == "string" and path.split(".")[-1] not in ("apiVersion", "kind"):
            assert {"maxLength", "enum", "format"} & set(one), path
        if kind == "array":
            assert one["maxItems"] > 0, path
        if "additionalProperties" in one:
            assert one["maxProperties"] > 0, path
        if kind == "integer":
            assert -(2**53) < one["minimum"] <= one["maximum"] < 2**53, path


def test_a_spec_has_no_defaults():
    """INV-5: a digest is made of what the author wrote."""
    assert [path for path, one in parts(".spec") if "default" in one] == []
    assert {path for path, one in parts(".status") if "default" in one} == {
        f"{kind}.status{field}" for kind in SCHEMAS for field in ("", ".observedGeneration")
    }


def test_a_schema_is_structural():
    assert "$ref" not in json.dumps(SCHEMAS)
    for path, one in parts():
        typed = "type" in one or one.get("x-kubernetes-preserve-unknown-fields")
        assert typed or one.get("x-kubernetes-int-or-string"), path
        assert not {"oneOf", "not", "anyOf"} & set(one), path
        assert set(one.get("required", ())) <= set(one.get("properties", ())), path
        for condition in one.get("allOf", ()):
            assert '"type"' not in json.dumps(condition).replace('"enum"', ""), path


def test_every_field_says_what_it_means():
    for path, one in parts():
        if ".metadata" in path:
            continue
        for name, field in one.get("properties", {}).items():
            if name not in ("apiVersion", "kind", "metadata", "spec"):
                assert field["description"], f"{path}.{name}"


def test_a_profile_holds_the_spec_of_each_kind_in_full():
    spec = SCHEMAS["Profile"]["properties"]["spec"]["properties"]
    for kind, model in SPEC_MODELS.items():
        aliases = {info.alias for info in model.model_fields.values()}
        assert set(spec[kind]["properties"]) == aliases
        assert "additionalProperties" not in spec[kind]
    assert spec["normalizer"]["required"] == ["canonicalEventType", "mapping"]
    assert NormalizerSpec.model_fields["mapping"].is_required()


def test_a_workflow_s_spec_is_its_version_and_the_rest():
    spec = SCHEMAS["Workflow"]["properties"]["spec"]
    assert spec["required"] == ["version", "steps"]
    assert next(iter(spec["properties"])) == "version"


def test_every_rule_has_a_sentence():
    rules = [rule for _, one in parts() for rule in one.get(RULES, ())]
    assert len(rules) > 100
    for rule in rules:
        assert rule["message"]
        assert "\n" not in rule["message"] + rule["rule"]
        assert re.findall(r"\(\?[=!<]", rule["rule"].replace("(?P<", "")) == []


def test_statuses_have_no_rules_of_their_own():
    """What the operator writes must never be refused for its form while a run is under way."""
    assert [path for path, one in parts(".status") if RULES in one] == []


def test_what_can_be_selected_is_there():
    for name, one in DEFINITIONS.items():
        for field in one["spec"]["versions"][0]["selectableFields"]:
            schema = SCHEMAS[name]
            for part in field["jsonPath"].split(".")[1:]:
                schema = schema["properties"][part]
            assert schema["type"] == "string"
