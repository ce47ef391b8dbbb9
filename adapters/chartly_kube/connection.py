"""The configuration of the connection to the API server: in a cluster, or by a kubeconfig."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.config_exception import ConfigException


class CannotConnect(Exception):  # noqa: N818 - it names what it is
    """Neither a service account nor a kubeconfig names an API server."""


@dataclass(frozen=True)
class Credentials:
    """The parameters for another client of the same API server; its repr omits the token."""

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
        if paths := environment.get("KUBECONFIG"):
            _check_exists(paths)
            await load_kube_config(
                config_file=paths,
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
    # The library retries nothing by itself, and takes no proxy from the environment.
    configuration.retries = None
    configuration.client_session_kwargs = {"trust_env": False}
    return configuration


def _check_exists(paths: str) -> None:
    """Raises where there is no kubeconfig at all; the client library only logs a warning."""
    if not any(Path(path).is_file() for path in paths.split(os.pathsep)):
        raise FileNotFoundError(f"KUBECONFIG names no file: {paths!r}")


async def credentials(configuration: Configuration) -> Credentials:
    """The current credentials; a service account's token is read again once it expires."""
    key = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return Credentials(
        server=str(configuration.host),
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        token=key.split(" ", 1)[-1].strip() if key else None,
    )
