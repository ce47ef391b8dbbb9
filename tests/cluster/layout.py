"""Where rig number N lives: its folders, names and addresses."""

import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chartly-rig"
BIN = CACHE / "bin"
NODE = "node1"
RIGS = 50
"""How many rigs fit in the addresses."""


@dataclass(frozen=True)
class Layout:
    """The paths, names and addresses of rig number ``index``."""

    index: int

    @property
    def state(self) -> Path:
        """What ``down`` removes."""
        return CACHE / "rigs" / str(self.index)

    @property
    def lock(self) -> Path:
        """Locked by the rig's own first process as long as it lives."""
        return CACHE / "rigs" / f"{self.index}.lock"

    @property
    def store(self) -> Path:
        """The images on the node; kept, since unpacking them anew takes long."""
        return CACHE / "stores" / str(self.index)

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def audit_log(self) -> Path:
        return self.logs / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def containerd(self) -> Path:
        return self.state / "containerd.sock"

    @property
    def names(self) -> Path:
        """A hosts file that the rig's DNS answers from."""
        return self.state / "names" / "hosts"

    @property
    def network(self) -> str:
        return self._address("0.0/16")

    @property
    def host_ip(self) -> str:
        """The host's end of the link: where test servers listen."""
        return self._address("0.1")

    @property
    def node_ip(self) -> str:
        return self._address("0.2")

    @property
    def pods(self) -> str:
        return self._address("1.0/24")

    @property
    def services(self) -> str:
        return self._address("128.0/17")

    @property
    def api_ip(self) -> str:
        return self._address("128.1")

    @property
    def dns_ip(self) -> str:
        return self._address("128.10")

    @property
    def link(self) -> str:
        return f"chartly{self.index}"

    @property
    def cgroup(self) -> str:
        return f"chartly-rig-{self.index}"

    def _address(self, rest: str) -> str:
        return f"10.{200 + self.index}.{rest}"
