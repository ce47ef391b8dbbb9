"""``chartly project create``: a namespace with its limits, fences, Secrets and store users."""

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chartly.api.reference import Project, parse_project
from chartly.errors import Reason, RunError, SpecError
from chartly.load.grants import analyst_user, create_users, loader_user, password_hash
from chartly.manifests.network import StoreAddress, parse_cidr, parse_store
from chartly.manifests.project import (
    ANALYST_SECRET,
    QUOTA,
    Json,
    Login,
    ProjectSpec,
    project_documents,
    quota_of,
    store_secrets,
)
from chartly.names import PROJECT_LABEL, STORE_SECRET, TENANT_LABEL, database, namespace
from chartly_cli.commands.render import to_yaml
from chartly_cli.defaults import Defaults, decoded, read_defaults
from chartly_cli.kubectl import Kubectl, open_kubectl
from chartly_cli.pem import read_certificates
from chartly_cli.session import Session
from chartly_cli.store_admin import Administrator, check_login, run_as_administrator

_RANDOM_BYTES = 32
_LONGEST_NAMESPACE = 63
_HIDDEN = "a hash"
_QUOTA_SECONDS = 180
_QUOTA_POLL = 0.5


@dataclass(frozen=True)
class ProjectOptions:
    """What the command line said.

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
    """Shows, or with ``apply`` makes, everything that a project needs in a cluster."""
    project = parse_project(text)
    kubectl = open_kubectl(options.context) if options.apply or options.chart else None
    defaults = read_defaults(kubectl, options.chart) if kubectl and options.chart else Defaults()
    spec = _spec(project, options, defaults)
    if kubectl is None or not options.apply:
        _show(session, spec)
        return
    _claim(kubectl, spec)
    made = project_documents(spec)
    if spec.store is None:
        kubectl.apply(made, ())
        session.printer.note(f"no --store-url: make Secret {STORE_SECRET} yourself before a run")
    else:
        made += _apply_with_store(kubectl, spec, spec.store, _login(options, defaults, spec.store))
    _await_quota(session, kubectl, spec)
    lines = [f"applied  {one['kind']} {one['metadata']['name']}" for one in made]
    if spec.store is not None:
        lines += [f"made     store user {name}" for name in _users(spec)]
    session.printer.result(_told(spec, made, applied=True), "\n".join(lines))


def _spec(project: Project, options: ProjectOptions, defaults: Defaults) -> ProjectSpec:
    name = options.namespace or namespace(project.tenant, project.project)
    if len(name) > _LONGEST_NAMESPACE:
        raise SpecError(
            f"namespace {name!r}: has {len(name)} characters, {_LONGEST_NAMESPACE} are allowed; "
            f"give --namespace"
        )
    url = options.store_url or defaults.store_url
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
        raise SpecError(f"--quota {text!r}: must be NAME=AMOUNT, such as limits.memory=64Gi")
    return name, amount


def _show(session: Session, spec: ProjectSpec) -> None:
    """Prints what may be applied as it is; Secrets and users are only told of."""
    documents = project_documents(spec)
    statements = _statements(spec, _HIDDEN, _HIDDEN) if spec.store else []
    told = [f"# Secret {name}, made by --apply" for name in _secret_names(spec)]
    told += [f"# store: {one}" for one in statements]
    session.printer.result(
        _told(spec, documents, applied=False),
        (to_yaml(documents) + "\n".join(told)).removesuffix("\n"),
    )
    session.printer.note("nothing was changed; --apply does it")
    if spec.store is not None and spec.store.is_public_only:
        session.printer.note(
            f"the store's host {spec.store.host} is a name: if it leads to a private address, "
            f"give --store-cidr, or runs will not reach it"
        )


def _told(spec: ProjectSpec, made: list[Json], *, applied: bool) -> Json:
    hidden = [one for one in made if one["kind"] == "Secret"]
    return {
        "project": str(spec.project),
        "namespace": spec.namespace,
        "applied": applied,
        "documents": [one for one in made if one not in hidden],
        "secrets": _secret_names(spec),
        "database": _database(spec),
        "users": _users(spec) if spec.store else [],
    }


def _secret_names(spec: ProjectSpec) -> list[str]:
    return [STORE_SECRET, ANALYST_SECRET] if spec.store else []


def _database(spec: ProjectSpec) -> str:
    return database(spec.project.tenant, spec.project.project)


def _users(spec: ProjectSpec) -> list[str]:
    return [loader_user(_database(spec)), analyst_user(_database(spec))]


def _statements(spec: ProjectSpec, loader_hash: str, analyst_hash: str) -> list[str]:
    return create_users(_database(spec), loader_hash, analyst_hash)


def _claim(kubectl: Kubectl, spec: ProjectSpec) -> None:
    """Refuses a namespace of another project, and a project that has another namespace.

    Raises:
        SpecError: ``DuplicateProject``.
    """
    labels = {TENANT_LABEL: spec.project.tenant, PROJECT_LABEL: spec.project.project}
    for one in kubectl.find("namespaces", labels):
        name = one["metadata"]["name"]
        if name != spec.namespace:
            raise SpecError(
                f"project {spec.project}: has namespace {name!r} already; {spec.namespace!r} "
                f"would be a second one",
                Reason.DUPLICATE_PROJECT,
            )
    found = kubectl.get("namespace", spec.namespace) or {"metadata": {}}
    theirs = found["metadata"].get("labels") or {}
    pair = (theirs.get(TENANT_LABEL), theirs.get(PROJECT_LABEL))
    if pair not in {(None, None), (spec.project.tenant, spec.project.project)}:
        raise SpecError(
            f"namespace {spec.namespace!r}: belongs to project {pair[0]}/{pair[1]}; "
            f"give {spec.project} another one with --namespace",
            Reason.DUPLICATE_PROJECT,
        )


def _await_quota(session: Session, kubectl: Kubectl, spec: ProjectSpec) -> None:
    """Returns when the cluster counts what the quota limits; before, it refuses all of it.

    It learns of kinds that were just installed twice a minute.
    """
    wanted, told = set(quota_of(spec)), False
    end = time.monotonic() + _QUOTA_SECONDS
    while time.monotonic() < end:
        found = kubectl.get("resourcequota", QUOTA, spec.namespace) or {}
        if wanted <= set(found.get("status", {}).get("used", {})):
            return
        if not told:
            session.printer.note("waiting for the cluster to count what the quota limits")
        told = True
        time.sleep(_QUOTA_POLL)
    raise RunError(
        Reason.PREREQUISITE_MISSING,
        f"ResourceQuota {QUOTA} in {spec.namespace}: after {_QUOTA_SECONDS} s the cluster still "
        f"does not count {', '.join(sorted(wanted))}; are the chart's kinds installed?",
    )


@dataclass(frozen=True)
class _Access:
    """The store, how to get in as its administrator, and the CA behind it."""

    administrator: Administrator
    authority: str | None
    rotate: bool


def _login(options: ProjectOptions, defaults: Defaults, store: StoreAddress) -> _Access:
    """Who makes the users; a password comes from a file, the environment or the chart's Secret."""
    path, variable = options.admin_password_file, options.admin_password_env
    user, password = options.admin_user, defaults.admin_password
    if path is not None:
        password = _first_line(path)
    elif variable is not None:
        password = os.environ.get(variable)
        if password is None:
            raise SpecError(f"--store-admin-password-env: {variable} is not set")
    elif password is not None:
        user = defaults.admin_user
    if password is None:
        raise SpecError(
            "the store's users are made by its administrator: give --store-admin-password-file or "
            "--store-admin-password-env, or --chart with a store that has a Secret"
        )
    cafile = options.store_cacert
    authority = read_certificates(cafile, "--store-cacert") if cafile else None
    administrator = Administrator(options.via or store.url, Login(user, password), cafile)
    return _Access(administrator, authority, options.rotate)


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"--store-admin-password-file {path}: cannot be read: {error}") from None


def _apply_with_store(
    kubectl: Kubectl, spec: ProjectSpec, store: StoreAddress, access: _Access
) -> list[Json]:
    """Secrets are written before the store is told of their passwords.

    Killed in between, the next call finds them, and makes the store what they say.
    """
    logins = {
        name: _kept(kubectl, spec, name, user, rotate=access.rotate)
        for name, user in zip(_secret_names(spec), _users(spec), strict=True)
    }
    hidden = store_secrets(spec, store.url, logins, access.authority)
    hashes = [password_hash(logins[name].password) for name in _secret_names(spec)]
    with run_as_administrator(access.administrator) as run:
        kubectl.apply(
            [*project_documents(spec), *hidden], [one.password for one in logins.values()]
        )
        for statement in _statements(spec, *hashes):
            run(statement)
    for login in logins.values():
        check_login(access.administrator, login)
    return hidden


def _kept(kubectl: Kubectl, spec: ProjectSpec, name: str, user: str, *, rotate: bool) -> Login:
    """The login that a Secret holds already, so that asking twice changes nothing; else a new one.

    Raises:
        SpecError: the Secret holds somebody else's.
    """
    data: Mapping[str, str] = (kubectl.get("secret", name, spec.namespace) or {}).get("data") or {}
    found, password = decoded(data, "username"), decoded(data, "password")
    if found not in {None, user}:
        raise SpecError(
            f"Secret {name} in {spec.namespace} holds user {found!r}, which was not made here; "
            f"delete it, or leave --store-url and --chart out to keep it"
        )
    if password and not rotate:
        return Login(user, password)
    return Login(user, secrets.token_urlsafe(_RANDOM_BYTES))
