import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartly.names import CONFIG_LABEL, MANAGED_BY, OURS
from chartly_kube.kinds import FOLLOWED
from chartly_operator.trimming import reader, trim

METADATA = {
    "name": "n",
    "namespace": "a",
    "uid": "u",
    "resourceVersion": "7",
    "generation": 2,
    "creationTimestamp": "2026-02-10T06:00:00Z",
    "labels": {MANAGED_BY: OURS, CONFIG_LABEL: "versions"},
    "annotations": {"chartly.io/deprecated": "old", "other": "x" * 100},
    "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}],
    "ownerReferences": [{"uid": "o", "controller": True, "kind": "Job", "name": "j"}],
    "finalizers": ["f"],
}
STATE = {"terminated": {"exitCode": 0, "message": "{}"}}
POD = {
    "phase": "Succeeded",
    "conditions": [{"type": "PodScheduled", "status": "True"}],
    "containerStatuses": [{"name": "loader", "state": STATE, "image": "i", "imageID": "d"}],
    "podIPs": [{"ip": "10.0.0.1"}],
}
STATUS = {"Pod": POD, "Job": {"conditions": [{"type": "Complete", "status": "True"}], "active": 1}}


def document(kind, **more):
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": METADATA,
        "spec": {"ttlSecondsAfterFinished": 5, "template": {"spec": {"containers": []}}},
        "status": STATUS.get(kind, {"phase": "Active"}),
        **more,
    }


@pytest.mark.parametrize("kind", FOLLOWED)
def test_what_a_stream_tells_is_kept_as_what_a_list_tells(kind):
    found = document(kind, **({"data": {"1.0.0": "d"}} if kind == "ConfigMap" else {}))
    if kind == "ConfigMap":
        del found["spec"], found["status"]
    assert reader(kind)(json.dumps(found).encode()) == trim(found)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.sampled_from(["Job", "Pod", "Namespace"]), values, values)
def test_so_it_is_of_whatever_stands_in_the_rest(kind, one, two):
    found = document(kind, spec={"nodeName": one}, status={**STATUS["Pod"], "extra": two})
    assert reader(kind)(json.dumps(found).encode()) == trim(found)


def test_a_null_where_none_is_expected_is_read_all_the_same():
    found = document("Pod", status={**POD, "containerStatuses": None})
    assert reader("Pod")(json.dumps(found).encode()) == trim(found)
