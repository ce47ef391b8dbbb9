import pytest

from chartly.api.documents import parse_documents
from chartly.api.place import Mark, Place
from chartly.errors import Reason, SpecError

MARKS = {"": Mark(1), "spec": Mark(2), "spec.a": Mark(3, "1.0"), "spec.b": Mark(4), "spec.b[0]": Mark(5)}  # fmt: skip
FILE = Place("f.yaml", "x", marks=MARKS)


def test_a_place_is_written_from_the_file_to_the_field():
    assert str(FILE.at("spec", "b", 0, "c")) == "f.yaml: x: spec.b[0].c"
    assert str(Place()) == ""


@pytest.mark.parametrize(
    ("path", "line", "because"),
    [
        ((), 1, "the document"),
        (("spec", "a"), 3, "a field has the line of its name"),
        (("spec", "b", 0), 5, "an element its own"),
        (("spec", "b", 7, "c"), 4, "what is not there has that of what is around it"),
        (("spec", "c", "d"), 2, "at any distance"),
        (("status",), 1, "at last the document's"),
    ],
)
def test_a_problem_has_the_nearest_line(path, line, because):
    assert FILE.at(*path).problem("is bad").line == line, because
    assert Place("f.yaml").at(*path).problem("is bad").line is None


def test_a_value_is_shown_as_the_file_spells_it():
    assert str(FILE.at("spec", "a").problem("is bad", value=1)) == "f.yaml:3: x: spec.a: 1.0 is bad"
    assert FILE.at("spec", "a").problem("is bad").written == ""
    assert FILE.at("spec", "z").written == ""


@pytest.mark.parametrize(
    ("path", "value", "because"),
    [
        ("spec.auth.mode", "x", "a field of a credential"),
        ("spec.transport.headers.X", "x", "a header"),
        ("spec.transport.query.key", "x", "a parameter"),
        ("spec.url", "https://u:p@x", "a user in a URL"),
        ("spec.url", "/a?key=x", "a query in a URL"),
        ("spec.url", "?key=x", "a query alone"),
        ("spec.name", "ghp_canary70123456789", "the form of a token"),
        ("spec.name", {"a": 1}, "no scalar"),
    ],
)
def test_what_may_be_a_credential_is_not_shown(path, value, because):
    """INV-6."""
    assert Place(path=path).problem("is bad", value=value).value is None, because


@pytest.mark.parametrize("value", ["$.a[?@.b==1]", "$[?(@.a==1)]", "x", 1, True, None])
def test_what_is_none_is_shown(value):
    assert Place(path="spec.query_ref").problem("is bad", value=value).value == value


def test_a_name_that_is_a_credential_is_not_part_of_a_path():
    """INV-6."""
    assert Place(path="spec").at("ghp_canary70123456789").path == "spec.***"


def test_a_problem_from_inside_gets_what_is_known_outside():
    with pytest.raises(SpecError) as caught, FILE.at("spec", "b").within():
        raise Place(path="[0]").refusal("is bad", value=2, reason=Reason.NOT_SERVED)
    assert str(caught.value) == "f.yaml:5: x: spec.b[0]: 2 is bad"
    assert caught.value.reason is Reason.NOT_SERVED
    inner = Place("g.yaml", "y", "a", {"a": Mark(9)}).problem("is bad")
    assert str(FILE.at("spec").around(inner)) == "g.yaml:9: y: spec.a: is bad"
    assert FILE.at("spec").around(Place().problem("is bad")).path == "spec"


@pytest.mark.parametrize(
    ("text", "row", "line", "because"),
    [
        ("a: 1\nb: |\n  x\n  y\n", 2, 4, "a block keeps its lines"),
        ("a: 1\nb: |-  # why\n\n  x\n", 2, 4, "a comment, and a line that is empty"),
        ("a: &x |\n  x\n  y\nb: *x\n", 2, 3, "the text of an alias is at its anchor"),
        ("a: 1\nb: >\n  x\n  y\n", 1, 2, "a folded text has other lines"),
        ('a: 1\nb: "x\\ny"\n', 2, 2, "so has a quoted one"),
        ("a: 1\nb: |\n  x\n", None, 2, "no row"),
        ("a: 1\nc: |\n  x\n", 1, None, "no such field"),
    ],
)
def test_a_row_of_a_text_is_a_line_of_the_file(text, row, line, because):
    place = parse_documents(text, "f.yaml")[0].place.at("b")
    problem = place.at_row(row).problem("is bad")
    assert problem.line == (1 if line is None else line), because
    inner = Place(path="b", row=row).problem("is bad")
    assert parse_documents(text, "f.yaml")[0].place.around(inner).line == problem.line, because


def test_a_document_marks_each_value_where_its_name_stands():
    text = "a: 1.0\nb:\n- x\n-\n  c: on\n"
    document = parse_documents(text, "f.yaml")[0]
    assert document.marks == {
        "": Mark(1),
        "a": Mark(1, "1.0"),
        "b": Mark(2),
        "b[0]": Mark(3),
        "b[1]": Mark(5),
        "b[1].c": Mark(5, "on"),
    }
