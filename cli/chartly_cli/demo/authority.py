"""A certificate authority that lives as long as the demo."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

HOSTS = ("api.example.invalid", "flights.example.invalid")


@dataclass(frozen=True)
class Authority:
    """Files for clients and servers."""

    ca: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server of ``HOSTS``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_authority(folder: Path) -> Authority:
    """A fresh authority, and a certificate of it for ``HOSTS``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority = trustme.CA()
    issued = authority.issue_cert(*HOSTS)
    authority.cert_pem.write_to_path(made.ca)
    made.key.touch(mode=0o600)
    issued.private_key_pem.write_to_path(made.key)
    for position, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(made.certificate, append=position > 0)
    return made
