"""``chartly init``."""

import re
from importlib import resources
from string import Template

from chartly.api.place import Place
from chartly.api.reference import Project
from chartly.errors import SpecError
from chartly.names import SLUG_LENGTH, SLUG_RULE, is_slug
from chartly_cli.session import Session

_LONGEST = SLUG_LENGTH - len("-rollup-daily")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_FILES = {
    "namespace.yaml": "namespace.yaml",
    "profiles/connector-$name-http@1.0.0.yaml": "connector.yaml",
    "profiles/normalizer-$name-default@1.0.0.yaml": "normalizer.yaml",
    "profiles/storage-$name-events@1.0.0.yaml": "storage.yaml",
    "profiles/analytics-$name-daily-rollup@1.0.0.yaml": "analytics.yaml",
    "workflows/$name-onboard@1.0.0.yaml": "workflow.yaml",
    "fixtures/$event.sample.json": "sample.json",
    "fixtures/$event.expected.canonical.json": "canonical.json",
}


def init(session: Session, domain: str) -> None:
    """Writes the files of a domain; never over one that is there."""
    name = domain.replace("_", "-")
    if not _is_domain(name):
        raise _refusal(domain)
    # A second domain in a folder joins the project that is there.
    project = session.workspace(may_be_new=True).project or Project("tenant-demo", f"proj-{name}")
    words = {
        "name": name,
        "event": name.replace("-", "_"),
        "tenant": project.tenant,
        "project": project.project,
    }
    targets = {
        session.directory / Template(path).substitute(words): template
        for path, template in _FILES.items()
    }
    namespace = session.directory / "namespace.yaml"
    if namespace.exists():
        del targets[namespace]
    existing = next((path for path in targets if path.exists()), None)
    if existing is not None:
        raise Place(object=str(existing)).refusal("exists already; init overwrites no file")
    scaffold = resources.files("chartly_cli.scaffold")
    for path, template in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = scaffold.joinpath(template).read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(words), encoding="utf-8")
    written = [str(path) for path in targets]
    session.printer.result({"domain": name, "files": written}, "\n".join(written))
    session.printer.note(
        f"\nnext: chartly test {domain}, then edit the connector and `chartly run {name}-onboard`"
    )


def _is_domain(name: str) -> bool:
    return is_slug(name) and len(name) <= _LONGEST


def _refusal(domain: str) -> SpecError:
    rule = SLUG_RULE.replace(str(SLUG_LENGTH), str(_LONGEST))
    near = _NO_SLUG.sub("-", domain.lower()).strip("-")
    hint = f"; {near!r} would do" if _is_domain(near) else ""
    why = f"is not allowed; it takes {rule}; underscores become dashes{hint}"
    return Place(object="domain").refusal(why, value=domain)
