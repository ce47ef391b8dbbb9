"""The cluster of the current context, through the ``kubectl`` on the path.

Documents go to its standard input: no secret is in a file or an argument.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.manifests.project_documents import MADE_BY

Json: TypeAlias = dict[str, Any]

_PATIENCE = "30s"
_LONGEST = 400


@dataclass(frozen=True)
class Kubectl:
    """One program, one context."""

    program: str
    context: str | None

    def get(self, kind: str, name: str, namespace: str | None = None) -> Json | None:
        """An object, or None if there is none of that name."""
        place = ["--namespace", namespace] if namespace else []
        text = self._call("get", kind, name, *place, "--ignore-not-found", "--output", "json")
        document: Json | None = json.loads(text) if text.strip() else None
        return document

    def find(self, kind: str, labels: Mapping[str, str]) -> list[Json]:
        """Objects outside of namespaces that have all labels."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        text = self._call("get", kind, "--selector", selector, "--output", "json")
        items: list[Json] = json.loads(text)["items"]
        return items

    def apply(self, documents: Sequence[Json], secrets: Iterable[str]) -> None:
        """Applies documents server-side.

        Args:
            secrets: texts that no message contains, whatever the API server answers.
        """
        body = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        manager = f"--field-manager={MADE_BY}"
        self._call("apply", "--server-side", manager, "-f", "-", body=body, secrets=secrets)

    def _call(self, *arguments: str, body: Json | None = None, secrets: Iterable[str] = ()) -> str:
        where = ["--context", self.context] if self.context else []
        done = subprocess.run(
            [self.program, *where, f"--request-timeout={_PATIENCE}", *arguments],
            input=json.dumps(body) if body is not None else "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = _redacted(done.stderr, secrets)
            raise RunError(Reason.PREREQUISITE_MISSING, f"kubectl {arguments[0]}: {message}")
        return done.stdout


def open_kubectl(context: str | None) -> Kubectl:
    """The ``kubectl`` on the path.

    Raises:
        SpecError: there is none.
    """
    program = shutil.which("kubectl")
    if program is None:
        raise Place(object="kubectl").refusal(
            "is not on the path; install it, or leave --apply and --chart out and apply what is "
            "printed",
            reason=Reason.PREREQUISITE_MISSING,
        )
    return Kubectl(program, context)


def _redacted(stderr: str, secrets: Iterable[str]) -> str:
    text = " ".join(stderr.split()) or "ended without a word"
    for secret in secrets:
        # As it is, and as in a Secret's data.
        for spelling in (secret, base64.b64encode(secret.encode()).decode()):
            text = text.replace(spelling, "***")
    return text[:_LONGEST]
