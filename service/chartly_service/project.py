"""Creates a project's namespace, limits, policies, Secrets, and users of the store."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from chartly.api.place import Place
from chartly.errors import Reason, RunError
from chartly.load.grants import analyst_user, create_users, loader_user, password_hash
from chartly.manifests.network import StoreAddress
from chartly.manifests.project_documents import (
    ANALYST_SECRET,
    QUOTA,
    Json,
    Login,
    ProjectSpec,
    project_documents,
    quota_of,
    store_secrets,
)
from chartly.names import PROJECT_LABEL, STORE_SECRET, TENANT_LABEL, database

QUOTA_SECONDS = 180.0
"""A cluster learns of kinds that were just installed twice a minute."""
QUOTA_POLL = 0.5


class ProjectCluster(Protocol):
    """A cluster that projects are created in."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> Json | None:
        """An object; None if it is not there."""
        ...

    def find(self, kind: str, labels: Mapping[str, str]) -> list[Json]:
        """The objects of a kind with these labels."""
        ...

    def apply(self, documents: Sequence[Json], secrets: Iterable[str]) -> None:
        """Applies documents; no message holds one of the secrets."""
        ...


class StoreAdministration(Protocol):
    """A store's server, for an administrator of its users.

    Raises:
        RunError: ``AuthRejected`` or ``StoreUnavailable`` from both methods.
    """

    def opened(self) -> AbstractContextManager[Callable[[str], None]]:
        """A function that runs statements as the administrator."""
        ...

    def check(self, login: Login) -> None:
        """Logs in as a user that was created."""
        ...


@dataclass(frozen=True)
class StoreUserPlan:
    """How the users of a store are created.

    Attributes:
        authority: the CA behind the store's certificate, for runs.
        rotate: whether existing users get new passwords.
        new_password: returns a random one.
    """

    store: StoreAddress
    administration: StoreAdministration
    authority: str | None
    rotate: bool
    new_password: Callable[[], str]


@dataclass(frozen=True)
class ProjectMade:
    """The objects and users that are there now.

    Attributes:
        users: of the store; empty where the project has none of its own.
    """

    documents: list[Json]
    users: list[str]


@dataclass(frozen=True)
class QuotaWait:
    """How a wait for the cluster measures time.

    Attributes:
        on_wait: called once, before the first wait.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    on_wait: Callable[[], None]


def decoded(data: Mapping[str, str], key: str) -> str | None:
    """A value of a Secret as text."""
    return base64.b64decode(data[key]).decode() if key in data else None


def secret_names(spec: ProjectSpec) -> list[str]:
    """The Secrets of the store's users."""
    return [STORE_SECRET, ANALYST_SECRET] if spec.store else []


def database_of(spec: ProjectSpec) -> str:
    """The project's database."""
    return database(spec.project.tenant, spec.project.project)


def users_of(spec: ProjectSpec) -> list[str]:
    """The users of the store."""
    return [loader_user(database_of(spec)), analyst_user(database_of(spec))] if spec.store else []


def create_project(
    spec: ProjectSpec, cluster: ProjectCluster, users: StoreUserPlan | None, wait: QuotaWait
) -> ProjectMade:
    """Creates everything that a project needs; a second call changes nothing.

    Args:
        users: None where the project's Secret is created elsewhere.

    Raises:
        SpecError: ``DuplicateProject``, or a Secret contains a login from elsewhere.
        RunError: the cluster or the store refuses.
    """
    _claim(spec, cluster)
    documents = project_documents(spec)
    if users is None:
        cluster.apply(documents, ())
    else:
        documents += _apply_with_users(spec, cluster, users)
    _await_quota(spec, cluster, wait)
    return ProjectMade(documents, users_of(spec))


def _claim(spec: ProjectSpec, cluster: ProjectCluster) -> None:
    """Refuses a namespace of another project, and a project that has another namespace."""
    labels = {TENANT_LABEL: spec.project.tenant, PROJECT_LABEL: spec.project.project}
    for taken in cluster.find("namespaces", labels):
        name = taken["metadata"]["name"]
        if name != spec.namespace:
            raise Place(object=f"project {spec.project}").refusal(
                f"has namespace {name!r} already; {spec.namespace!r} would be a second one",
                reason=Reason.DUPLICATE_PROJECT,
            )
    existing = cluster.get("namespace", spec.namespace) or {"metadata": {}}
    owner = existing["metadata"].get("labels") or {}
    pair = (owner.get(TENANT_LABEL), owner.get(PROJECT_LABEL))
    if pair not in {(None, None), (spec.project.tenant, spec.project.project)}:
        tenant, project = (label or "?" for label in pair)
        raise Place(object=f"namespace {spec.namespace!r}").refusal(
            f"belongs to project {tenant}/{project}; give {spec.project} another one with "
            "--namespace",
            reason=Reason.DUPLICATE_PROJECT,
        )


def _apply_with_users(
    spec: ProjectSpec, cluster: ProjectCluster, users: StoreUserPlan
) -> list[Json]:
    """Writes Secrets before the store gets their passwords.

    After a kill in between, the next call reads them and gives the store their passwords.
    """
    logins = {
        name: _login(spec, cluster, name, user, users)
        for name, user in zip(secret_names(spec), users_of(spec), strict=True)
    }
    hidden = store_secrets(spec, users.store.url, logins, users.authority)
    hashes = [password_hash(logins[name].password) for name in secret_names(spec)]
    with users.administration.opened() as run:
        cluster.apply(
            [*project_documents(spec), *hidden], [login.password for login in logins.values()]
        )
        for statement in create_users(database_of(spec), *hashes):
            run(statement)
    for login in logins.values():
        users.administration.check(login)
    return hidden


def _login(
    spec: ProjectSpec, cluster: ProjectCluster, secret: str, user: str, users: StoreUserPlan
) -> Login:
    """The login that a Secret contains, so that a repeat changes nothing; else a new one."""
    data = (cluster.get("secret", secret, spec.namespace) or {}).get("data") or {}
    held, password = decoded(data, "username"), decoded(data, "password")
    if held not in {None, user}:
        raise Place(object=f"Secret {secret} in {spec.namespace}").refusal(
            f"holds user {held!r}, which was not made here; delete it, or leave --store-url and "
            "--chart out to keep it"
        )
    kept = None if users.rotate else password
    return Login(user, kept or users.new_password())


def _await_quota(spec: ProjectSpec, cluster: ProjectCluster, wait: QuotaWait) -> None:
    """Waits until the cluster counts what the quota limits; before, it refuses all of it."""
    limited, waited = set(quota_of(spec)), False
    end = wait.clock() + QUOTA_SECONDS
    while wait.clock() < end:
        current = cluster.get("resourcequota", QUOTA, spec.namespace) or {}
        if limited <= set(current.get("status", {}).get("used", {})):
            return
        if not waited:
            wait.on_wait()
        waited = True
        wait.sleep(QUOTA_POLL)
    raise RunError(
        Reason.PREREQUISITE_MISSING,
        f"ResourceQuota {QUOTA} in {spec.namespace}: after {QUOTA_SECONDS:.0f} s the cluster still "
        f"does not count {', '.join(sorted(limited))}; are the chart's kinds installed?",
    )
