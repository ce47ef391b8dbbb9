# ruff: noqa: INP001, S310 - a script of its own, which asks two addresses that the chart gives it
"""``helm test``: the operator is ready, and the API server knows Chartly's kinds."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KINDS = {"profiles", "workflows", "workflowruns"}
PATIENCE = 60.0


def kinds() -> set[str]:
    """The plural names that the API server serves of our group."""
    request = urllib.request.Request("https://kubernetes.default.svc/apis/chartly.io/v1alpha1")
    token = (ACCOUNT / "token").read_text(encoding="ascii").strip()
    request.add_header("Authorization", f"Bearer {token}")
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
        return {one["name"] for one in json.load(answer)["resources"]}


def ready() -> bool:
    """Whether the operator says that it is; 503 is False, no answer an OSError."""
    try:
        with urllib.request.urlopen(f"{os.environ['OPERATOR']}/readyz", timeout=5):
            return True
    except urllib.error.HTTPError:
        return False


def problem() -> str | None:
    """What does not answer as it should."""
    try:
        missing = KINDS - kinds()
        if missing:
            return f"the API server does not know {', '.join(sorted(missing))}"
        return None if ready() else "the operator is not ready"
    except (OSError, ValueError) as error:
        return f"no answer: {error}"


def main() -> int:
    """Asks until all is well or patience ends."""
    end = time.monotonic() + PATIENCE
    while (said := problem()) is not None and time.monotonic() < end:
        time.sleep(1)
    sys.stdout.write((said or "the operator is ready, and the API server knows its kinds") + "\n")
    return 0 if said is None else 1


if __name__ == "__main__":
    sys.exit(main())
