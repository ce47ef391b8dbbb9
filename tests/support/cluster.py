"""Clusters for tests: each is ready when given, and gone when the tests are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cluster.claims import FOR_APIS, FOR_NODES
from cluster.lifecycle import running
from cluster.machine import obstacle
from cluster.options import Form, Options
from cluster.rig import Rig
from support.missing import missing


@contextmanager
def api_server(*, audit: str = "", flags: Sequence[str] = ()) -> Iterator[Rig]:
    """A control plane without nodes, so nothing runs Pods; ready in about four seconds.

    Args:
        audit: the level at which writes are logged for ``Rig.writes``: Metadata or Request.
        flags: more flags, as ``component=flag``.
    """
    with rig(Options(Form.API, audit=audit, flags=tuple(flags))) as found:
        yield found


@contextmanager
def fake_nodes(count: int, *, audit: str = "", api_qps: int = 1000) -> Iterator[Rig]:
    """A control plane whose fake nodes complete the Pods of Jobs at once.

    Args:
        api_qps: what the controller manager and the scheduler may ask a second.
    """
    with rig(Options(Form.FAKE, fake_nodes=count, audit=audit, api_qps=api_qps)) as found:
        yield found


@contextmanager
def node_rig(*, network_policy: bool = False, audit: str = "") -> Iterator[Rig]:
    """A cluster of one node that runs Pods, resolves names and, if asked, enforces policies."""
    with rig(Options(Form.KUBELET, network_policy=network_policy, audit=audit)) as found:
        yield found


@contextmanager
def rig(options: Options) -> Iterator[Rig]:
    """A rig of any form; skips where there can be none."""
    need_machine(options.form)
    numbers = FOR_NODES if options.form is Form.KUBELET else FOR_APIS
    with running(options, numbers) as found:
        yield found


def need_machine(form: Form) -> None:
    """Skips the test where this machine cannot have such a rig; on CI it fails instead."""
    if (reason := obstacle(form)) is not None:
        missing(reason)
