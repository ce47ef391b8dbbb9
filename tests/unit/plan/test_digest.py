import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.api.documents import Document
from chartly.api.place import Place
from chartly.api.profile import as_resource, parse_profile
from chartly.errors import SpecError
from chartly.plan.digest import canonical, profile_digest, run_digest
from support.profiles import ROOT, changed, document, playbook_profile, playbook_profiles

HERE = Place(object="here")


DIGESTS = {
    "connector": "sha256:a03c8afc0e3a94217aa5de8a0ba1e05fa7f57c2cc77fb6e9c37df4ee48d5ccfe",
}


@pytest.mark.parametrize("profile", playbook_profiles(), ids=lambda profile: profile.id.kind)
def test_both_spellings_have_one_digest(profile):
    """INV-5."""
    resource = parse_profile(Document("r", 1, as_resource(profile, "somewhere")))
    assert profile_digest(resource) == profile_digest(profile)
    kubectl = document(
        ROOT / "profiles" / f"{profile.id.kind}-{profile.id.name}@{profile.id.version}.yaml"
    )
    assert profile_digest(parse_profile(kubectl)) == profile_digest(profile)


@pytest.mark.parametrize(
    ("path", "value", "same", "because"),
    [
        ("metadata.description", "other words", True, "a description says nothing that runs"),
        ("metadata.owners", ["team:x"], True, "nor do owners"),
        ("metadata.labels", {"a": "b"}, True, "nor labels"),
        ("metadata.annotations", {"chartly.io/deprecated": "x"}, True, "nor a deprecation"),
        ("spec.writeMode", None, True, "a null is as good as nothing"),
        ("spec.retentionDays", 31, False, "one more day is another policy"),
        ("metadata.version", "1.0.1", False, "the version is part of the identity"),
        ("spec.writeMode", "append", False, "a default written out is written"),
    ],
)
def test_what_changes_a_digest(path, value, same, because):
    original = playbook_profile("storage")
    other = changed(original, path, value)
    digests = {profile_digest(parse_profile(one)) for one in (original, other)}
    assert (len(digests) == 1) is same, because


def test_canonical_json_is_that_of_rfc_8785():
    value = {"b": [1, True, "€\n"], "a": {"z": None, "y": -0}}
    assert canonical(value, HERE) == '{"a":{"y":0},"b":[1,true,"€\\n"]}'.encode()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            {"a": [1, {"b": 1.5}]},
            r"here: a\[1\].b: 1.5: a number with a fraction must be written as text",
        ),
        ({"a": 2**53}, "here: a: 9007199254740992: a whole number must be below"),
        ({"a": "\ud800"}, "here: holds what JSON cannot say"),
    ],
)
def test_what_json_readers_do_not_agree_on_is_refused(value, says):
    with pytest.raises(SpecError, match=says):
        canonical(value, HERE)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (2**60, r"spec\.transforms\[0\]\.value: 1152921504606846976: a whole number must be below"),
        ("\ud800", "spec: holds what JSON cannot say"),
    ],
)
def test_a_profile_that_has_no_digest_is_refused_with_its_place(value, says):
    constant = {"op": "const", "field": "currency", "value": value}
    source = changed(playbook_profile("normalizer"), "spec.transforms", [constant])
    with pytest.raises(SpecError, match=rf"normalizer-.*\.yaml: normalizer/.*: {says}"):
        profile_digest(parse_profile(source))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value):
    """INV-5."""
    backwards = dict(reversed(list(value.items())))
    try:
        first = canonical(value, HERE)
    except SpecError:
        return
    assert canonical(backwards, HERE) == first


def test_a_run_digest_covers_config_parameters_and_window():
    base = run_digest("sha256:c", {}, None)
    assert base == run_digest("sha256:c", {}, None)
    others = {
        run_digest("sha256:d", {}, None),
        run_digest("sha256:c", {"a": 1}, None),
        run_digest("sha256:c", {}, ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")),
        base,
    }
    assert len(others) == 4
