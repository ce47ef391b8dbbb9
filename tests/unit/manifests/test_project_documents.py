import json

import pytest
import yaml

from chartly.api.reference import Project
from chartly.manifests.network import parse_store
from chartly.manifests.project_documents import (
    ANALYST_SECRET,
    DEFAULT_QUOTA,
    MADE_BY,
    Login,
    ProjectSpec,
    project_documents,
    store_secrets,
)
from chartly.names import MANAGED_BY, STORE_SECRET

HOME = Project("tenant-demo", "proj-sales")
SPEC = ProjectSpec(HOME, "tenant-demo-proj-sales")
LOGINS = {
    STORE_SECRET: Login("a__b_loader", "canary-loader"),
    ANALYST_SECRET: Login("a__b_analyst", "canary-analyst"),
}


def kinds(documents):
    return [(one["kind"], one["metadata"]["name"]) for one in documents]


def test_a_project_is_a_labelled_restricted_namespace_with_limits_and_policies():
    documents = project_documents(SPEC)
    assert kinds(documents) == [
        ("Namespace", "tenant-demo-proj-sales"),
        ("ResourceQuota", "chartly"),
        ("LimitRange", "chartly"),
        ("NetworkPolicy", "chartly-runs-closed"),
        ("NetworkPolicy", "chartly-runs-egress"),
    ]
    assert documents[0]["metadata"]["labels"] == {
        "chartly.io/tenant": "tenant-demo",
        "chartly.io/project": "proj-sales",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    assert {one["metadata"]["namespace"] for one in documents[1:]} == {"tenant-demo-proj-sales"}


def test_the_operator_does_not_take_them_for_its_own():
    """The operator sweeps ConfigMaps that it made; these are not its."""
    for one in project_documents(SPEC)[1:]:
        assert one["metadata"]["labels"] == {MANAGED_BY: MADE_BY}
        assert MADE_BY != "chartly"


def test_a_quota_entry_goes_before_the_default():
    quota = project_documents(ProjectSpec(HOME, "n", quota={"pods": "9", "services": "0"}))[1]
    assert quota["spec"]["hard"] == {**DEFAULT_QUOTA, "pods": "9", "services": "0"}


def test_trusted_authorities_are_a_config_map():
    trusted = project_documents(ProjectSpec(HOME, "n", trust="PEM"))[-1]
    assert kinds([trusted]) == [("ConfigMap", "chartly-trust")]
    assert trusted["data"] == {"ca.crt": "PEM"}


def test_the_store_opens_a_way_in_the_policies():
    store = parse_store("http://ch.chartly-system.svc:8123")
    policy = project_documents(ProjectSpec(HOME, "n", store=store))[-1]
    assert "chartly-system" in json.dumps(policy["spec"]["egress"])


@pytest.mark.parametrize(("authority", "extra"), [(None, {}), ("PEM", {"ca.crt": "PEM"})])
def test_each_secret_holds_its_own_login(authority, extra):
    """INV-8: who may read the analyst's Secret gets no right to write."""
    loader, analyst = store_secrets(SPEC, "https://ch:8443", LOGINS, authority)
    assert kinds([loader, analyst]) == [("Secret", "chartly-store"), ("Secret", "chartly-analyst")]
    url = {"url": "https://ch:8443"}
    assert loader["stringData"] == {
        **url, "username": "a__b_loader", "password": "canary-loader", **extra
    }  # fmt: skip
    assert analyst["stringData"] == {
        **url, "username": "a__b_analyst", "password": "canary-analyst", **extra
    }  # fmt: skip


def test_a_login_that_is_printed_shows_no_password():
    """INV-6."""
    assert "canary" not in repr(LOGINS)


def test_documents_are_plain_yaml():
    documents = project_documents(ProjectSpec(HOME, "n", granted=("10.0.0.0/8",), trust="x"))
    assert yaml.safe_load(yaml.safe_dump(documents)) == documents
