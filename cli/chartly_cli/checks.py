"""The prerequisites of a run: what doctor lists and run insists on."""

import importlib.util
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from chartly.api.connector import SecretRef
from chartly.egress.credential_echo import SHORTEST
from chartly.egress.secret_value import secret_objection, secret_value
from chartly.errors import ChartlyError, Problem, Reason, RunError, SpecError
from chartly.plan.prepare import FrozenWorkflow
from chartly_cli.output import counted
from chartly_cli.store_binding import Binding, FolderBinding
from chartly_cli.workspace import Workspace

_PYTHON = (3, 11)
_FREE_BYTES = 512 * 1024 * 1024
_OPEN_TO_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
_ENGINE = ("clickhouse_connect", "pyarrow", "httpx", "sqlglot")
_EMBEDDED = "chdb"


@dataclass(frozen=True)
class Check:
    """One prerequisite.

    Attributes:
        reason: what a run that lacks it fails with.
        warning: it is there, and something about it is unsafe.
        problems: what is wrong with the files.
    """

    name: str
    ok: bool
    sentence: str
    reason: Reason = Reason.PREREQUISITE_MISSING
    warning: bool = False
    problems: tuple[Problem, ...] = ()

    @classmethod
    def failed(cls, name: str, error: ChartlyError) -> "Check":
        """A check that an error ended."""
        return cls(
            name, ok=False, sentence=error.message, reason=error.reason, problems=error.problems
        )


def machine_checks(workspace: Workspace, binding: Binding) -> Iterator[Check]:
    """What the machine must have, whatever is run."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("environment", sys.version_info >= _PYTHON, f"Python {version}; needed is 3.11")
    embedded = isinstance(binding, FolderBinding)
    needed = (*_ENGINE, _EMBEDDED) if embedded else _ENGINE
    lacking = [name for name in needed if importlib.util.find_spec(name) is None]
    yield Check(
        "services",
        not lacking,
        f"missing packages: {', '.join(lacking)}; install chartly[cli]"
        if lacking
        else _services(binding),
    )
    place = _existing(workspace.root)
    writable = os.access(place, os.W_OK)
    yield Check("folder", writable, f"{workspace.root} is {'' if writable else 'not '}writable")
    free = shutil.disk_usage(place).free
    yield Check(
        "disk", free >= _FREE_BYTES, f"{free >> 20} MiB are free; needed are {_FREE_BYTES >> 20}"
    )


def _services(binding: Binding) -> str:
    if isinstance(binding, FolderBinding):
        return (
            "connector, normalizer, storage, analytics and audit run in this process's embedded "
            "engine; one trust domain"
        )
    return f"connector and normalizer run here; storage, analytics and audit are {binding.name}'s"


def profile_checks(workspace: Workspace) -> Iterator[Check]:
    """Whether the files can be read, and say to which project they belong."""
    count = len(workspace.profiles)
    if workspace.problems:
        yield Check.failed("profiles", SpecError(workspace.problems))
    else:
        yield Check("profiles", True, f"{counted(count, 'profile')} read")  # noqa: FBT003 - a verdict
    yield Check(
        "workflows",
        bool(workspace.workflows),
        f"{counted(len(workspace.workflows), 'workflow')} in {workspace.root}",
    )


def run_checks(frozen: FrozenWorkflow, secrets: Path) -> Iterator[Check]:
    """What one workflow needs beside what every run does."""
    plan = frozen.plan
    yield Check("project", True, f"{plan.project} is the project", Reason.NOT_A_PROJECT)  # noqa: FBT003 - resolved, or this would not be reached
    try:
        frozen.check()
        yield Check("plan", True, f"{frozen.resolution.workflow} resolves to {plan.digest}")  # noqa: FBT003 - a verdict
    except ChartlyError as error:
        yield Check.failed("plan", error)
    workflow = frozen.resolution.workflow
    if workflow.spec.suspend:
        said = f"{workflow}: spec.suspend is true, so no run starts"
        yield Check("suspended", False, said, Reason.CONFIG_INVALID)  # noqa: FBT003 - a verdict
    reference = plan.connector.auth.secret_ref
    if reference is not None:
        yield _secret_check(reference, secrets / reference.name / reference.key)


def store_checks(binding: Binding) -> Iterator[Check]:
    """Whether a server answers, and lets its user in; a folder's store is opened by its owner."""
    if isinstance(binding, FolderBinding):
        return
    try:
        binding.check()
        said = f"{binding.name} answers user {binding.access.username!r}"
        yield Check("server", True, said)  # noqa: FBT003 - a verdict
    except ChartlyError as error:
        yield Check("server", False, error.message, error.reason)  # noqa: FBT003 - a verdict


def query_checks(frozen: FrozenWorkflow) -> Iterator[Check]:
    """What an engine says of the queries; a run asks its own store before it asks an API."""
    if not frozen.plan.analytics:
        return
    from chartly_store.explanation import check_explained  # noqa: PLC0415 - costs 0.4 s

    try:
        with frozen.resolution.locating():
            check_explained(frozen.plan)
        said = f"{frozen.resolution.workflow}: the engine takes every query"
        yield Check("queries", True, said)  # noqa: FBT003 - a verdict
    except ChartlyError as error:
        yield Check.failed("queries", error)


def _secret_check(reference: SecretRef, path: Path) -> Check:
    why = _secret_fault(path)
    warning = None if why else _secret_warning(path)
    said = why or warning or f"{path} is there"
    return Check(
        "secret",
        why is None,
        f"secret {reference.name!r} key {reference.key!r}: {said}",
        Reason.SECRET_MISSING,
        warning=warning is not None,
    )


def _secret_fault(path: Path) -> str | None:
    """Why the file of a secret cannot be used, or None."""
    if not path.is_file():
        return f"put its value into {path}"
    try:
        value = secret_value(path.read_bytes().decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return f"{path} is not readable as ASCII text"
    why = secret_objection(value)
    return None if why is None else f"{path} {why}"


def _secret_warning(path: Path) -> str | None:
    """What is unsafe about a secret that can be used, or None."""
    if path.stat().st_mode & _OPEN_TO_OTHERS:
        return f"others than you can read or change {path}; run chmod 600 {path}"
    if len(secret_value(path.read_text(encoding="ascii"))) < SHORTEST:
        return (
            f"{path} holds fewer than {SHORTEST} characters, too few to be found where the API "
            "sends them back"
        )
    return None


def insist(checks: Iterator[Check]) -> None:
    """Goes through checks, tells warnings, and stops at the first that fails.

    Raises:
        SpecError: with the problems of the files.
        RunError: with the check's reason and sentence.
    """
    for check in checks:
        if check.problems:
            raise SpecError(check.problems)
        if not check.ok:
            raise RunError(check.reason, f"{check.name}: {check.sentence}")
        if check.warning:
            typer.echo(f"warning: {check.name}: {check.sentence}", err=True)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
