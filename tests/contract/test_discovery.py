"""Waiting for kinds: a server may say late, and one after the other, what it serves."""

from types import SimpleNamespace

import pytest

from cluster.client import RefusedError
from support.custom_resources import await_kinds

GROUP = "rig.test/v1"
DISCOVERY, OPENAPI = f"/apis/{GROUP}", f"/openapi/v3/apis/{GROUP}"


def resources(*kinds):
    return {"resources": [{"kind": kind} for kind in kinds]}


def schemas(*kinds, group="rig.test"):
    of_kind = "x-kubernetes-group-version-kind"
    return {
        "components": {
            "schemas": {
                **{kind: {of_kind: [{"group": group, "version": "v1", "kind": kind}]} for kind in kinds},
                "ObjectMeta": {},
            }
        }
    }  # fmt: skip


class LateServer:
    """Answers each path with what stands next for it, and with the last from then on."""

    def __init__(self, answers):
        self.answers = {path: list(ones) for path, ones in answers.items()}

    def call(self, _method, path):
        left = self.answers[path]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, RefusedError):
            raise answer
        return answer


UNKNOWN = RefusedError(404, "not found")


@pytest.mark.parametrize(
    ("discovered", "described", "because"),
    [
        ([resources("A", "B")], [schemas("A", "B")], "a fast server"),
        ([UNKNOWN, resources("A"), resources("A", "B")], [schemas("A", "B")], "late in discovery"),
        ([resources("A", "B")], [UNKNOWN, schemas("A"), schemas("A", "B")], "late in OpenAPI"),
        ([resources("A", "B")], [schemas("A", "B", group="x"), schemas("A", "B")], "of another group"),
    ],
)  # fmt: skip
def test_kinds_are_waited_for_until_all_are_told_everywhere(discovered, described, because):
    server = LateServer({DISCOVERY: discovered, OPENAPI: described})
    await_kinds(SimpleNamespace(client=server), GROUP, ["A", "B"])
    assert {path: len(left) for path, left in server.answers.items()} == {
        DISCOVERY: 1,
        OPENAPI: 1,
    }, because


def test_another_refusal_is_not_waited_out():
    server = LateServer({DISCOVERY: [RefusedError(403, "forbidden")]})
    with pytest.raises(RefusedError):
        await_kinds(SimpleNamespace(client=server), GROUP, ["A"])
