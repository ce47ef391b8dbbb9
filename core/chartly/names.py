"""The names that Chartly defines: API group, labels, SQL names; and the rule for users' names."""

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
"""The field manager of the turn in a Workflow's status, and of nothing else."""
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "chartly"
"""The value of ``MANAGED_BY`` on every object that the operator creates."""
RUN_LABEL = "chartly.io/run"
RUN_UID_LABEL = "chartly.io/run-uid"
WORKFLOW_LABEL = "chartly.io/workflow"
ATTEMPT_LABEL = "chartly.io/attempt"
CONFIG_LABEL = "chartly.io/config"
"""The content of a ConfigMap of ours: ``snapshot`` or ``versions``."""
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
    """The SQL spelling of a slug; unique, because slugs have no ``_`` and no ``--``."""
    return slug.replace("-", "_")


def database(tenant: str, project: str) -> str:
    """The project's database, e.g. ``tenant_demo__proj_sales``."""
    return f"{sql_name(tenant)}__{sql_name(project)}"


def namespace(tenant: str, project: str) -> str:
    """The namespace that ``project create`` creates, e.g. ``tenant-demo-proj-sales``."""
    return f"{tenant}-{project}"


def config_name(digest: str) -> str:
    """The ConfigMap of frozen inputs, named by their digest."""
    return f"chartly-cfg-{digest.removeprefix('sha256:')}"


def versions_name(kind: str, name: str) -> str:
    """The ConfigMap that records the digest of each version of a profile or workflow."""
    return f"chartly-versions-{kind}-{name}"


def job_name(run: str, attempt: int) -> str:
    """The Job of an attempt; a function of both, so that two requests create one (INV-1)."""
    return f"{run}-a{attempt}"


def stored_run_id(run: str, uid: str) -> str:
    """The run's identity in the store: a namespace may reuse a name, but never a uid."""
    return f"{run}.{uid[:8]}"
