"""No model speaks Python: every field of every model with values of every wrong kind."""

import json
import re

import pytest

from chartly.api import diagnosis
from chartly.api.diagnosis import parse_model
from chartly.api.documents import parse_documents
from chartly.api.place import Place
from chartly.api.profile import SPEC_MODELS, ObjectMetadata, PlaybookMetadata, ResourceSpec
from chartly.api.wording import error_message
from chartly.api.workflow import Versioned, WorkflowSpec, _PlaybookMetadata
from chartly.api.workflow_run import WorkflowRunSpec
from chartly.errors import SpecError

ROOTS = [
    *SPEC_MODELS.values(), PlaybookMetadata, ObjectMetadata, ResourceSpec, WorkflowSpec, _PlaybookMetadata, Versioned,
    WorkflowRunSpec,
]  # fmt: skip
VALUES = [
    1, -(10**9), 10**30, 1.5, True, "", "x", "X" * 70_000, [], [1], ["x"], [[]], [{}], [{"op": "x"}], [{"type": "x"}], "X y!",
    {}, {"a": 1}, {"a": "x"}, {"a": {}}, {"": 1}, {"a": []}, ["X y!"], {"a": "X y!"}, {"X y!": "x"},
]  # fmt: skip
PYTHON = re.compile(
    r"\b([Tt]uple|[Dd]ict|Dictionary|str|int|bool|float|None|NoneType|True|False|nullable|constrained"
    r"|pydantic|Input should|String should|Value (should|error)|valid (integer|string|boolean|array)"
    r"|after validation|discriminator|Extra inputs|[a-z]+_type|function-\w+|[Uu]nion|model)\b|\[key\]"
)


def _models(model, found):
    if model not in found:
        found.append(model)
        for info in model.model_fields.values():
            for inner in diagnosis._models_in(info.annotation):
                _models(inner, found)
    return found


MODELS = []
for root in ROOTS:
    _models(root, MODELS)
CLASSES = {model.__name__.strip("_") for model in MODELS}
FIELDS = [
    (model, info.alias or name) for model in MODELS for name, info in model.model_fields.items()
]


def _problems(model, name, value):
    try:
        parse_model(model, {name: value}, Place("f.yaml", "x", "spec"))
    except SpecError as error:
        return error.problems
    return ()


def test_there_are_many_fields():
    assert len(MODELS) > 60
    assert len(FIELDS) > 250


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=lambda one: getattr(one, "__name__", one))
def test_no_python_word_reaches_a_user(model, name):
    """INV-10: each sentence has a place, a rule, and no word of the language that checks it."""
    for value in VALUES:
        problems = [
            one for one in _problems(model, name, value) if not one.why.startswith("unknown field")
        ]
        for one in problems[:50]:
            said = one.why.replace(name, "").replace(json.dumps(value), "")
            assert not PYTHON.search(said), (value, str(one))
            assert not CLASSES & {*re.findall(r"[A-Z]\w+[A-Z]\w+", said)}, str(one)
            assert not re.search(r"\.(str|int|bool|constrained-str|\[key\])$", one.path), str(one)
            assert one.path
            assert one.why
            assert one.why != "is not allowed here", str(one)
            assert "must match" not in one.why, str(one)
            assert "\n" not in str(one)


@pytest.mark.parametrize(
    ("model", "name", "value", "says", "because"),
    [
        ("Default", "value", {}, "spec.value: must be text, a whole number or true or false", "a union is told once"),
        ("Runtime", "tolerations", [{"a": "x" * 300}], 'spec.tolerations[0].a: "', "a union of which one member fits in kind"),
        ("Runtime", "tolerations", [{"a": []}], "spec.tolerations[0].a: must be text or a whole number", "likewise"),
        ("Transport", "timeoutMs", "10", 'spec.timeoutMs: "10" must be a whole number; leave the quotes out', "quotes too many"),
        ("Transport", "timeoutMs", 1.5, "spec.timeoutMs: 1.5 must be a whole number", "a fraction"),
        ("Control", "suspend", "true", 'spec.suspend: "true" must be true or false; leave the quotes out', "likewise"),
        ("Control", "suspend", "yes", 'spec.suspend: "yes" must be true or false', "a word that is no JSON"),
        ("Schedule", "timeZone", 7, 'spec.timeZone: 7 must be text; put it in quotes: "7"', "quotes that are missing"),
        ("Transport", "path", 7, 'spec.path: 7 must be text in quotes; "7" must begin with /', "quotes that do not suffice"),
        ("StorageSpec", "dataset", 7, 'spec.dataset: 7 must be text in quotes; "7" is not allowed; it takes lower-case', "likewise, of a name"),
        ("NormalizerSpec", "requiredFields", ["a", 7], 'spec.requiredFields[1]: 7 must be text in quotes; "7" is not allowed', "likewise, in a list"),
        ("WorkflowSpec", "steps", [{"type": "normaliz"}], "spec.steps[0].type: \"normaliz\" is not one of connector_sync, normalize, write_dataset, analytics_query; did you mean 'normalize'?", "a variant"),
        ("StopRules", "statuses", [404, 401], "spec.statuses[1]: statuses 401, ", "an item that a rule of the object refuses"),
        ("Pagination", "stop", {"emptyPage": "x"}, "spec.stop.emptyPage: ", "a member of a member"),
        ("NormalizerSpec", "mapping", {"Bad": "$.a"}, "spec.mapping.Bad: the name is not allowed; it takes lower-case letters, digits and underscores", "a name"),
        ("NormalizerSpec", "mapping", {}, "spec.mapping: must hold at least 1 member", "an empty object"),
        ("WorkflowSpec", "steps", [], "spec.steps: must hold at least 1 item", "an empty list"),
        ("EgressPolicy", "dnsAllowlist", ["a"] * 65, "spec.dnsAllowlist: must hold at most 64 items", "a long list"),
        ("NormalizerSpec", "mapping", {f"k{i}": "$.a" for i in range(501)}, "spec.mapping: must hold at most 500 members", "a large object"),
        ("Resources", "limits", {"gpu": "1"}, "spec.limits.gpu: the name is not one of cpu, memory", "a name of a list"),
        ("Schedule", "cron", "", 'spec.cron: "" must not be empty', "empty text"),
        ("Schedule", "cron", "x" * 201, "must have at most 200 characters", "long text"),
    ],
)  # fmt: skip
def test_a_kind_of_mistake_is_told_once_and_plainly(model, name, value, says, because):
    chosen = next(one for one in MODELS if one.__name__ == model)
    problems = [one for one in _problems(chosen, name, value) if one.why != "is required"]
    assert len(problems) == 1, (because, problems)
    assert says in str(problems[0]), because


def test_an_unquoted_version_is_told_to_be_quoted_as_it_is_written():
    document = parse_documents("version: 1.0\n", "f.yaml")[0]
    with pytest.raises(SpecError) as caught:
        parse_model(Versioned, document.content, document.place)
    says = 'f.yaml:1: version: 1.0 must be text in quotes; "1.0" is not allowed: write an exact '
    says += "version x.y.z or x.y.z-prerelease in lower case (SemVer 2.0), such as '1.0.0'"
    assert str(caught.value) == says
    assert caught.value.problems[0].value == 1


def test_objects_whose_names_are_types_are_no_unions():
    headers = {"str": 1, "int": 2, "bool": 3}
    model = next(one for one in MODELS if one.__name__ == "Transport")
    paths = [one.path for one in _problems(model, "headers", headers) if one.why != "is required"]
    assert paths == ["spec.headers.str", "spec.headers.int", "spec.headers.bool"]


def test_what_no_rule_words_is_still_a_sentence():
    assert (
        error_message(
            {"type": "brand_new", "input": 1, "loc": (), "msg": "Input should be a Tuple"}, ""
        )
        == "is not allowed here"
    )
