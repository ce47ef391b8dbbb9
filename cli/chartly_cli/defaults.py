"""The defaults of new projects in an installed chart: its store, and the administrator of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chartly.api.place import Place
from chartly.errors import Reason
from chartly.manifests.network import parse_cidr
from chartly_cli.kubectl import Kubectl
from chartly_service.project import decoded

CONFIG = "chartly-project-defaults"


@dataclass(frozen=True)
class Defaults:
    """Values of options that the command line leaves out."""

    store_url: str | None = None
    admin_user: str = "default"
    admin_password: str | None = field(default=None, repr=False)
    grantable_cidrs: tuple[str, ...] = ()


def read_defaults(kubectl: Kubectl, namespace: str) -> Defaults:
    """The defaults of the chart that is installed in a namespace.

    Raises:
        SpecError: there is none.
    """
    config = kubectl.get("configmap", CONFIG, namespace)
    if config is None:
        raise Place(object=f"--chart {namespace}").refusal(
            f"the chart is not installed there (no ConfigMap {CONFIG})",
            reason=Reason.PREREQUISITE_MISSING,
        )
    data: Mapping[str, str] = config.get("data") or {}
    secret = data.get("store-admin-secret")
    held = (kubectl.get("secret", secret, namespace) or {}).get("data") if secret else None
    ranges = filter(None, (data.get("grantable-cidrs") or "").split(","))
    return Defaults(
        store_url=data.get("store-url") or None,
        admin_user=decoded(held or {}, "username") or "default",
        admin_password=decoded(held or {}, "password"),
        grantable_cidrs=tuple(map(parse_cidr, ranges)),
    )
