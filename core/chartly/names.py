"""Names that are ours: API group, labels, SQL names, and the rule for user-given ones."""

import re

GROUP = "chartly.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "chartly"
TENANT_LABEL = "chartly.io/tenant"
PROJECT_LABEL = "chartly.io/project"
DEPRECATED_ANNOTATION = "chartly.io/deprecated"
GLOBAL = "global"
GLOBAL_NAMESPACE = "chartly-global"
SYSTEM_DATABASE = "chartly_system"

FIELD_MANAGER = "chartly-operator"
TURN_MANAGER = "chartly-turn"
"""Owns whose turn it is in a Workflow's status, and nothing else."""
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "chartly"
"""The value of ``MANAGED_BY`` on everything that the operator makes."""
RUN_LABEL = "chartly.io/run"
RUN_UID_LABEL = "chartly.io/run-uid"
WORKFLOW_LABEL = "chartly.io/workflow"
ATTEMPT_LABEL = "chartly.io/attempt"
CONFIG_LABEL = "chartly.io/config"
"""What a ConfigMap of ours holds: ``snapshot`` or ``versions``."""
SNAPSHOT_KEY = "snapshot.json"
STORE_SECRET = "chartly-store"  # noqa: S105 - a name, not a secret
TRUST_CONFIG = "chartly-trust"
TRUST_KEY = "ca.crt"

SLUG = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
SLUG_LENGTH = 40
SLUG_RULE = (
    f"lower-case letters, digits and single dashes, starting with a letter, "
    f"at most {SLUG_LENGTH} characters"
)
_SLUG = re.compile(SLUG)


def is_slug(text: str) -> bool:
    """Whether ``text`` may name a tenant, project, profile, workflow or dataset."""
    return len(text) <= SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def slugified(text: str) -> str:
    """A domain slug such as ``device_health`` in the form that names take: ``device-health``."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def sql_name(slug: str) -> str:
    """The SQL spelling of a slug; unique, because slugs hold no ``_`` and no ``--``."""
    return slug.replace("-", "_")


def database(tenant: str, project: str) -> str:
    """The project's database, e.g. ``tenant_demo__proj_sales``."""
    return f"{sql_name(tenant)}__{sql_name(project)}"


def namespace(tenant: str, project: str) -> str:
    """The namespace that ``project create`` makes, e.g. ``tenant-demo-proj-sales``."""
    return f"{tenant}-{project}"


def config_name(digest: str) -> str:
    """The ConfigMap of frozen inputs, named by their digest."""
    return f"chartly-cfg-{digest.removeprefix('sha256:')}"


def versions_name(kind: str, name: str) -> str:
    """The ConfigMap that remembers which digest each version of something has had."""
    return f"chartly-versions-{kind}-{name}"


def job_name(run: str, attempt: int) -> str:
    """The Job of an attempt; a function of both, so that asking twice makes one (INV-1)."""
    return f"{run}-a{attempt}"


def stored_run_id(run: str, uid: str) -> str:
    """The run's identity in the store: a name may come again in a namespace, a uid does not."""
    return f"{run}.{uid[:8]}"
