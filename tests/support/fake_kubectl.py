"""A kubectl that answers from a file, remembers what it is given, and writes down its calls."""

import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import base64, json, pathlib, sys
home = pathlib.Path({home!r})
arguments = [one for one in sys.argv[1:] if not one.startswith("--request-timeout")]
with (home / "calls").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
failure = home / "failure"
if failure.exists() and arguments[0] == "apply":
    sys.exit(failure.read_text().format(body=sys.stdin.read()[-300:]))
state = home / "state.json"
known = json.loads(state.read_text()) if state.exists() else {{}}
if "--context" in arguments:
    place = arguments.index("--context")
    del arguments[place : place + 2]
if arguments[0] == "apply":
    for one in json.load(sys.stdin)["items"]:
        for key, value in one.pop("stringData", {{}}).items():
            one.setdefault("data", {{}})[key] = base64.b64encode(value.encode()).decode()
        if one["kind"] == "ResourceQuota" and not (home / "uncounted").exists():
            one["status"] = {{"used": one["spec"]["hard"]}}
        metadata = one["metadata"]
        known["/".join([one["kind"].lower(), metadata.get("namespace", ""), metadata["name"]])] = one
    state.write_text(json.dumps(known))
elif "--selector" in arguments:
    wanted = dict(one.split("=") for one in arguments[arguments.index("--selector") + 1].split(","))
    items = [
        one for one in known.values()
        if one["kind"] == "Namespace" and wanted.items() <= one["metadata"].get("labels", {{}}).items()
    ]
    print(json.dumps({{"items": items}}))
else:
    namespace = arguments[arguments.index("--namespace") + 1] if "--namespace" in arguments else ""
    found = known.get("/".join([arguments[1], namespace, arguments[2]]))
    print(json.dumps(found) if found else "")
"""


@dataclass
class Cluster:
    """What the fake kubectl knows and was asked.

    Attributes:
        home: its folder. A file ``failure`` there is what it says instead of applying anything; with
            a file ``uncounted``, quotas are not counted.
        namespace: of the Secrets that ``secret`` gives.
    """

    home: Path
    namespace: str

    @property
    def objects(self) -> dict[str, Any]:
        """Whatever there is, by ``kind/namespace/name``."""
        path = self.home / "state.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    @property
    def calls(self) -> list[list[str]]:
        path = self.home / "calls"
        return [json.loads(one) for one in path.read_text().splitlines()] if path.exists() else []

    def put(self, *documents: dict[str, Any]) -> None:
        known = self.objects
        for one in documents:
            metadata = one["metadata"]
            key = "/".join([one["kind"].lower(), metadata.get("namespace", ""), metadata["name"]])
            known[key] = one
        (self.home / "state.json").write_text(json.dumps(known))

    def secret(self, name: str) -> dict[str, str]:
        data = self.objects[f"secret/{self.namespace}/{name}"]["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}


def fake_kubectl(program: Path, home: Path, namespace: str) -> Cluster:
    """Puts it at the path ``program``; both folders are made."""
    home.mkdir()
    program.parent.mkdir()
    program.write_text(_PROGRAM.format(python=sys.executable, home=str(home)))
    program.chmod(0o755)
    return Cluster(home, namespace)
