"""Images made of layers, and their way onto a node without a registry."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cluster.commands import call
from cluster.layout import BIN, CACHE, Layout
from cluster.locks import locked

PAUSE = "localhost/pause:rig"
COREDNS = "localhost/coredns:rig"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DAY = 86_400
_OCI = "application/vnd.oci.image"
_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Layer:
    """A tar archive that is laid over those before it."""

    path: Path
    digest: str


@dataclass(frozen=True)
class Image:
    """An image by its parts.

    Attributes:
        user: what ``runAsNonRoot`` is checked against, such as ``65532:65532``.
        env: variables as ``NAME=text``, beside the path.
    """

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    env: tuple[str, ...] = ()
    folder: str = "/"

    def documents(self) -> tuple[bytes, bytes]:
        """The configuration and the manifest."""
        settings = {
            "Entrypoint": list(self.entrypoint),
            "Env": [PATH, *self.env],
            "User": self.user,
            "WorkingDir": self.folder,
        }
        digests = [layer.digest for layer in self.layers]
        config = _bytes(
            architecture={"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
            os="linux",
            config=settings,
            rootfs={"type": "layers", "diff_ids": digests},
            # Builders want one entry for each layer of what they build upon.
            history=[{"created_by": f"layer {layer.path.stem}"} for layer in self.layers],
        )
        manifest = _bytes(
            schemaVersion=2,
            mediaType=f"{_OCI}.manifest.v1+json",
            config=_descriptor("config.v1+json", _digest(config), len(config)),
            layers=[
                _descriptor("layer.v1.tar", layer.digest, layer.path.stat().st_size)
                for layer in self.layers
            ],
        )
        return config, manifest


def cached_layer(key: str, fill: Callable[[Path], None]) -> Layer:
    """The layer of what ``fill`` puts into an empty folder; filled once for each key.

    Args:
        key: a kind and a hash, such as ``base-1f2e``.
    """
    path = CACHE / "layers" / f"{key}.tar"
    digest = path.with_suffix(".digest")
    if not digest.exists():
        with locked(CACHE / "layers.lock"):
            if not digest.exists():
                path.parent.mkdir(exist_ok=True)
                digest.write_text(_archived(path, fill), encoding="ascii")
                _forget_old(path)
    return Layer(path, digest.read_text(encoding="ascii"))


def _forget_old(path: Path) -> None:
    """Removes layers of the same kind that nobody made for a day."""
    kind = path.stem.rpartition("-")[0]
    for old in path.parent.glob(f"{kind}-*"):
        if old.stat().st_mtime < path.stat().st_mtime - _DAY:
            old.unlink()


def _archived(path: Path, fill: Callable[[Path], None]) -> str:
    """The digest of the archive that this writes."""
    with TemporaryDirectory(dir=CACHE) as folder:
        root = Path(folder, "root")
        root.mkdir()
        fill(root)
        call("tar", "--numeric-owner", "--sort=name", "-C", root, "-cf", path, ".")
    with path.open("rb") as archive:
        return f"sha256:{hashlib.file_digest(archive, 'sha256').hexdigest()}"


def program_image(name: str, program: str) -> Image:
    """The image of one program of the rig's that needs no other file."""
    source = BIN / program
    key = f"{program}-{source.stat().st_mtime_ns}"

    def fill(root: Path) -> None:
        call("cp", source, root / program)

    return Image(name, (cached_layer(key, fill),), (f"/{program}",))


def load_image(layout: Layout, image: Image) -> None:
    """Brings onto the node what it lacks of ``image``, which is nothing the second time."""
    _, manifest = image.documents()
    if _is_there(layout, image.name, _digest(manifest)):
        return
    archive = layout.state / f"{_digest(manifest).removeprefix('sha256:')}.tar"
    write_archive(image, archive, without=set(_ctr(layout, "content", "ls", "-q").split()))
    _ctr(layout, "images", "import", str(archive))
    archive.unlink()


def write_archive(image: Image, archive: Path, without: AbstractSet[str] = frozenset()) -> None:
    """Writes the image as an OCI archive, less the layers whose digests are in ``without``."""
    config, manifest = image.documents()
    with tarfile.open(archive, "w") as tar:
        for blob in (config, manifest):
            _add(tar, _blob(_digest(blob)), blob)
        for layer in image.layers:
            if layer.digest not in without:
                tar.add(layer.path, _blob(layer.digest))
        _add(tar, "index.json", _index(image.name, manifest))
        _add(tar, "oci-layout", _bytes(imageLayoutVersion="1.0.0"))


def load_archive(layout: Layout, archive: Path) -> None:
    """Loads an OCI or Docker archive, unless the node has every image of it."""
    images = archived_images(archive)
    if not images or not all(_is_there(layout, *image) for image in images.items()):
        _ctr(layout, "images", "import", str(archive))


def archived_images(archive: Path) -> dict[str, str]:
    """The manifest's digest of each image in an OCI archive, by name; none of a Docker archive."""
    with tarfile.open(archive) as tar:
        if "index.json" not in tar.getnames():
            return {}
        index = json.load(tar.extractfile("index.json") or io.BytesIO())
    return {entry["annotations"][_NAME]: entry["digest"] for entry in index["manifests"]}


def _is_there(layout: Layout, name: str, digest: str) -> bool:
    return digest in _ctr(layout, "images", "ls", f"name=={name}")


def _index(name: str, manifest: bytes) -> bytes:
    entry = _descriptor("manifest.v1+json", _digest(manifest), len(manifest))
    annotated = entry | {"annotations": {_NAME: name}}
    return _bytes(schemaVersion=2, manifests=[annotated])


def _ctr(layout: Layout, *words: str) -> str:
    return call("ctr", "-a", layout.containerd, "-n", "k8s.io", *words)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _bytes(**fields: Any) -> bytes:
    return json.dumps(fields, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{_OCI}.{kind}", "digest": digest, "size": size}
