"""How to reach the API server: from inside a cluster, or by a kubeconfig."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.config_exception import ConfigException


class CannotConnect(Exception):  # noqa: N818 - it names what it is
    """Neither a service account nor a kubeconfig says where the API server is."""


@dataclass(frozen=True)
class Credentials:
    """What another client needs to reach the same API server; it never prints its token."""

    server: str
    ca_path: str | None
    insecure: bool
    certificate_path: str | None
    private_key_path: str | None
    token: str | None = field(repr=False)


async def load_configuration(environment: Mapping[str, str] = os.environ) -> Configuration:
    """The client's configuration: ``KUBECONFIG`` if it is set, else the Pod's service account.

    Raises:
        CannotConnect: neither is usable.
    """
    configuration = Configuration()
    try:
        if given := environment.get("KUBECONFIG"):
            _check_there(given)
            await load_kube_config(
                config_file=given,
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            load_incluster_config(configuration)
    except (ConfigException, OSError) as error:
        raise CannotConnect(
            f"cannot tell where the API server is: {error}; run in a Pod with a service account, "
            f"or set KUBECONFIG"
        ) from error
    # Nothing is retried behind our back, and no proxy is taken from the environment.
    configuration.retries = None
    configuration.client_session_kwargs = {"trust_env": False}
    return configuration


def _check_there(given: str) -> None:
    """Whether there is a kubeconfig at all; the client library only warns and goes on."""
    if not any(Path(one).is_file() for one in given.split(os.pathsep)):
        raise FileNotFoundError(f"KUBECONFIG names no file: {given!r}")


async def credentials(configuration: Configuration) -> Credentials:
    """The credentials as they are now; a service account's token is read anew when it is due."""
    key = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return Credentials(
        server=str(configuration.host),
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        token=key.split(" ", 1)[-1].strip() if key else None,
    )
