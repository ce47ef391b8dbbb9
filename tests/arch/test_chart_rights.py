"""The rights that the chart gives: to the operator, where it watches, and to users."""

import re

import pytest

from support.chart import INSTALL, NAMESPACE, SETS, environment, of_kind, operator, the

READS = {"get", "list", "watch"}


def rules(name, *kinds):
    return [
        (one["metadata"]["name"], rule)
        for one in of_kind(name, *(kinds or ("Role", "ClusterRole")))
        for rule in one["rules"]
    ]


@pytest.mark.parametrize("name", SETS)
def test_no_right_is_a_wildcard_and_none_is_on_secrets(name):
    """INV-6: the operator has no verb on Secrets; nor may it pass on rights."""
    for title, rule in rules(name):
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "*" not in "".join(words), title
        assert not {one.partition("/")[0] for one in rule["resources"]} & {"secrets", "*"}
        assert not set(rule["verbs"]) & {"escalate", "bind", "impersonate"}
        assert "exec" not in "".join(rule["resources"])


def operator_rules(name):
    bound = {
        one["roleRef"]["name"] for one in of_kind(name, "RoleBinding", "ClusterRoleBinding")
    }  # fmt: skip
    return [rule for title, rule in rules(name) if title in bound]


def test_the_operator_s_rights_are_those_of_the_docs():
    text = INSTALL.read_text(encoding="utf-8").partition("## What the operator may do")[2]
    rows = re.findall(r"^\| (\S+) \| (`.*?`) \| (`.*?`) \| [\w ]+ \|$", text, re.MULTILINE)
    told = {
        (group.strip("`").replace("core", ""), one, verb)
        for group, resources, verbs in rows
        for one in re.findall(r"`([\w/]+)`", resources)
        for verb in re.findall(r"`(\w+)`", verbs)
    }
    granted = {
        (group, one, verb)
        for rule in operator_rules("default")
        for group in rule["apiGroups"]
        for one in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == told


def test_the_operator_writes_of_our_kinds_the_status_only():
    """GitOps-clean: nothing into what users own; only runs go, when history does not keep them."""
    for rule in operator_rules("default"):
        for one in rule["resources"]:
            if rule["apiGroups"] == ["chartly.io"] and not one.endswith("/status"):
                removes = rule == {
                    "apiGroups": ["chartly.io"],
                    "resources": ["workflowruns"],
                    "verbs": ["delete"],
                }
                assert removes or set(rule["verbs"]) == READS
            if one.endswith("/status"):
                assert rule["verbs"] == ["patch"]


def test_namespaced_the_operator_writes_nowhere_else():
    """INV-8."""
    for title, rule in rules("namespaced", "ClusterRole"):
        assert rule == {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": ["chartly-global", "tenant-demo-a", "tenant-demo-b"],
            "verbs": ["get"],
        }, title
    places = {
        one["metadata"]["namespace"]
        for one in of_kind("namespaced", "RoleBinding")
        if one["roleRef"]["name"] == "chartly-operator"
    }
    assert places == {"tenant-demo-a", "tenant-demo-b", "chartly-global"}
    assert environment("namespaced")["CHARTLY_WATCH_NAMESPACES"].split(",") == sorted(places)


def test_namespaced_the_rights_in_a_namespace_are_the_same():
    everywhere = [rule for rule in operator_rules("default") if rule["resources"] != ["namespaces"]]
    (found,) = [
        one["rules"]
        for one in of_kind("namespaced", "Role")
        if one["metadata"]["name"] == "chartly-operator"
        and one["metadata"]["namespace"] == "tenant-demo-a"
    ]
    leases = ["leases"]
    assert found == [rule for rule in everywhere if rule["resources"] != leases]


def test_the_lease_is_in_the_operator_s_own_namespace():
    role = the("default", "Role", "chartly-lease")
    assert role["metadata"]["namespace"] == NAMESPACE
    create, rest = role["rules"]
    assert create["resources"] == rest["resources"] == ["leases"]
    assert create["verbs"] == ["create"]
    assert rest["resourceNames"] == [environment()["CHARTLY_LEASE_NAME"]]


def test_every_binding_is_to_the_operator_s_account():
    account = {"kind": "ServiceAccount", "name": "chartly", "namespace": NAMESPACE}
    for name in ("default", "namespaced"):
        found = of_kind(name, "RoleBinding", "ClusterRoleBinding")
        assert all(one["subjects"] == [account] for one in found)
    assert operator()["spec"]["template"]["spec"]["serviceAccountName"] == "chartly"


def test_who_may_view_or_edit_a_namespace_may_do_so_with_our_kinds():
    view, edit = (the("default", "ClusterRole", f"chartly-{one}") for one in ("view", "edit"))
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == READS
    assert not {verb for rule in edit["rules"] for verb in rule["verbs"]} & READS
    for role, levels in ((view, ("view", "edit", "admin")), (edit, ("edit", "admin"))):
        aggregated = {f"rbac.authorization.k8s.io/aggregate-to-{one}": "true" for one in levels}
        labels = role["metadata"]["labels"].items()
        assert {key: value for key, value in labels if "aggregate" in key} == aggregated
        assert all(rule["apiGroups"] == ["chartly.io"] for rule in role["rules"])
        assert not any("status" in one for rule in role["rules"] for one in rule["resources"])
