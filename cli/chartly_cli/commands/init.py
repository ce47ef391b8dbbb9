"""``chartly init``."""

from importlib import resources
from string import Template

from chartly.api.place import Place
from chartly.api.reference import Project
from chartly.names import SLUG_LENGTH, SLUG_RULE, is_slug, slugified
from chartly_cli.session import Session

_LONGEST_SUFFIX = len("-rollup-daily")
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
    name = slugified(domain)
    if not is_slug(name) or len(name) > SLUG_LENGTH - _LONGEST_SUFFIX:
        rule = SLUG_RULE.replace(str(SLUG_LENGTH), "27")
        why = f"is not allowed; it takes {rule}; underscores become dashes"
        raise Place(object="domain").refusal(why, value=domain)
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
    there = next((path for path in targets if path.exists()), None)
    if there is not None:
        raise Place(object=str(there)).refusal("is there already; init writes over nothing")
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
