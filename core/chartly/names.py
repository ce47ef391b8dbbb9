"""Names that are ours: API group, labels, SQL names, and the rule for user-given ones."""

import re

API_VERSION = "chartly.io/v1alpha1"
TENANT_LABEL = "chartly.io/tenant"
PROJECT_LABEL = "chartly.io/project"
DEPRECATED_ANNOTATION = "chartly.io/deprecated"
GLOBAL = "global"
GLOBAL_NAMESPACE = "chartly-global"
SYSTEM_DATABASE = "chartly_system"

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
