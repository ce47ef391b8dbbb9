"""``chartly project create``: a namespace with limits, policies, Secrets and store users."""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from chartly.api.place import Place
from chartly.api.reference import Project, parse_project
from chartly.load.grants import create_users
from chartly.manifests.network import StoreAddress, parse_cidr, parse_store
from chartly.manifests.project_documents import (
    Json,
    Login,
    ProjectSpec,
    project_documents,
)
from chartly.names import STORE_SECRET, namespace
from chartly_cli.commands.render import to_yaml
from chartly_cli.defaults import Defaults, read_defaults
from chartly_cli.kubectl import open_kubectl
from chartly_cli.pem import read_certificates
from chartly_cli.session import Session
from chartly_cli.store_admin import StoreAdministrator
from chartly_folder.read_failure import cause
from chartly_service.project import (
    QuotaWait,
    StoreUserPlan,
    create_project,
    database_of,
    secret_names,
    users_of,
)

_RANDOM_BYTES = 32
_LONGEST_NAMESPACE = 63
_HIDDEN = "a hash"


@dataclass(frozen=True)
class ProjectOptions:
    """The options of the command.

    Attributes:
        chart: the namespace of the chart whose store, administrator and ranges are used.
        via: where the store answers from here.
        rotate: whether the users get new passwords.
    """

    namespace: str | None
    chart: str | None
    store_url: str | None
    via: str | None
    admin_user: str
    admin_password_file: Path | None
    admin_password_env: str | None
    store_cacert: Path | None
    store_cidrs: tuple[str, ...]
    grants: tuple[str, ...]
    cacert: Path | None
    quota: tuple[str, ...]
    context: str | None
    rotate: bool
    apply: bool


def create(session: Session, text: str, options: ProjectOptions) -> None:
    """Prints, or with ``apply`` creates, everything that a project needs in a cluster."""
    project = parse_project(text)
    _refuse_empty(options)
    kubectl = open_kubectl(options.context) if options.apply or options.chart else None
    defaults = read_defaults(kubectl, options.chart) if kubectl and options.chart else Defaults()
    spec = _spec(project, options, defaults)
    if kubectl is None or not options.apply:
        _show(session, spec)
        return
    users = None if spec.store is None else _user_plan(options, defaults, spec.store)
    made = create_project(spec, kubectl, users, _quota_wait(session))
    if users is None:
        session.printer.note(f"no --store-url: make Secret {STORE_SECRET} yourself before a run")
    lines = [f"applied  {each['kind']} {each['metadata']['name']}" for each in made.documents]
    lines += [f"made     store user {name}" for name in made.users]
    session.printer.result(_document(spec, made.documents, applied=True), "\n".join(lines))


def _refuse_empty(options: ProjectOptions) -> None:
    """Refuses an empty address: empty is not the same as not given."""
    for name, value in (("--store-url", options.store_url), ("--store-via", options.via)):
        if value is not None and not value.strip():
            raise Place(object=name).refusal("is empty; give it a value, or leave it out")


def _quota_wait(session: Session) -> QuotaWait:
    return QuotaWait(
        time.monotonic,
        time.sleep,
        lambda: session.printer.note("waiting for the cluster to count what the quota limits"),
    )


def _spec(project: Project, options: ProjectOptions, defaults: Defaults) -> ProjectSpec:
    name = options.namespace or namespace(project.tenant, project.project)
    if len(name) > _LONGEST_NAMESPACE:
        why = f"has {len(name)} characters, {_LONGEST_NAMESPACE} are allowed; give --namespace"
        raise Place(object="namespace").refusal(why, value=name)
    url = defaults.store_url if options.store_url is None else options.store_url
    trust = read_certificates(options.cacert, "--cacert") if options.cacert else None
    return ProjectSpec(
        project=project,
        namespace=name,
        store=parse_store(url, options.store_cidrs) if url else None,
        granted=tuple(map(parse_cidr, options.grants)) or defaults.grantable_cidrs,
        trust=trust,
        quota=dict(map(_quota_entry, options.quota)),
    )


def _quota_entry(text: str) -> tuple[str, str]:
    name, _, amount = text.partition("=")
    if not name or not amount:
        why = "must be NAME=AMOUNT, such as limits.memory=64Gi"
        raise Place(object="--quota").refusal(why, value=text)
    return name, amount


def _show(session: Session, spec: ProjectSpec) -> None:
    """Prints documents that may be applied as they are; Secrets and users as comments."""
    documents = project_documents(spec)
    statements = create_users(database_of(spec), _HIDDEN, _HIDDEN) if spec.store else []
    comments = [f"# Secret {name}, made by --apply" for name in secret_names(spec)]
    comments += [f"# store: {statement}" for statement in statements]
    session.printer.result(
        _document(spec, documents, applied=False),
        (to_yaml(documents) + "\n".join(comments)).removesuffix("\n"),
    )
    session.printer.note("nothing was changed; --apply does it")
    if spec.store is not None and spec.store.is_public_only:
        session.printer.note(
            f"the store's host {spec.store.host} is a name: if it leads to a private address, "
            f"give --store-cidr, or runs will not reach it"
        )


def _document(spec: ProjectSpec, made: list[Json], *, applied: bool) -> Json:
    hidden = [document for document in made if document["kind"] == "Secret"]
    return {
        "project": str(spec.project),
        "namespace": spec.namespace,
        "applied": applied,
        "documents": [document for document in made if document not in hidden],
        "secrets": secret_names(spec),
        "database": database_of(spec),
        "users": users_of(spec),
    }


def _user_plan(options: ProjectOptions, defaults: Defaults, store: StoreAddress) -> StoreUserPlan:
    """The administrator of the users, whose password is in a file, a variable or the chart."""
    path, variable = options.admin_password_file, options.admin_password_env
    user, password = options.admin_user, defaults.admin_password
    if path is not None:
        password = _first_line(path)
    elif variable is not None:
        password = os.environ.get(variable)
        if password is None:
            raise Place(object="--store-admin-password-env").refusal(f"{variable} is not set")
    elif password is not None:
        user = defaults.admin_user
    if password is None:
        raise Place(object="the store's administrator").refusal(
            "has no password here, and makes the store's users: give --store-admin-password-file "
            "or --store-admin-password-env, or --chart with a store that has a Secret"
        )
    cafile = options.store_cacert
    authority = read_certificates(cafile, "--store-cacert") if cafile else None
    login = Login(user, password)
    return StoreUserPlan(
        store=store,
        administration=StoreAdministrator(options.via or store.url, login, cafile),
        authority=authority,
        rotate=options.rotate,
        new_password=lambda: secrets.token_urlsafe(_RANDOM_BYTES),
    )


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        place = Place(object=f"--store-admin-password-file {path}")
        raise place.refusal(f"cannot be read: {cause(error)}") from None
