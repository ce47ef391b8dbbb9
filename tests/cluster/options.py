"""What a rig is asked to be."""

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Form(StrEnum):
    """What runs the Pods: nothing, fake nodes, or a kubelet."""

    API = "api"
    FAKE = "fake"
    KUBELET = "kubelet"


@dataclass(frozen=True)
class Options:
    """One rig's form and switches.

    Attributes:
        fake_nodes: how many nodes the form ``fake`` has.
        network_policy: whether NetworkPolicies are enforced (form ``kubelet``).
        audit: the audit level at which the API server logs writes, or empty.
        api_qps: calls a second that the controller manager and the scheduler may make; 0 leaves
            their defaults, which are then what a test of many Jobs measures.
        flags: more flags, as ``component=flag``.
    """

    form: Form = Form.KUBELET
    fake_nodes: int = 0
    network_policy: bool = False
    audit: str = ""
    api_qps: int = 0
    flags: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        return {Form.API: 0, Form.FAKE: self.fake_nodes, Form.KUBELET: 1}[self.form]

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Options":
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields | {"form": Form(fields["form"]), "flags": tuple(fields["flags"])})
