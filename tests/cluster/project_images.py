"""The project's images without a container engine; a test holds them to the Dockerfiles."""

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from cluster.base_root import base_layer, base_python
from cluster.commands import Word, show
from cluster.images import Image, Layer, cached_layer
from cluster.layout import ROOT

PARTS = {
    "connector": "chartly-connector",
    "loader": "chartly-loader",
    "operator": "chartly-operator",
}
"""Each image's extra with its entrypoint."""
USER = "65532:65532"
ENV = ("PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
FOLDER = "/tmp"  # noqa: S108 - a volume of each container's own, as in the Dockerfiles
TAG = "rig"
_SOURCES = ("core", "adapters", "service", "operator", "runners", "cli")
_ENTRY = "#!/usr/bin/python3\nimport sys\n\nfrom {module} import {name}\n\nsys.exit({name}())\n"


def image_name(part: str, tag: str = TAG) -> str:
    """What a Pod calls the image of a part of ``PARTS``."""
    return f"localhost/chartly-{part}:{tag}"


def project_image(part: str, tag: str = TAG) -> Image:
    """The image, of layers that are made once for each version of what they hold.

    Raises:
        RuntimeError: pip or debootstrap failed.
    """
    layers = (base_layer(), _requirements_layer(part), _project_layer())
    return Image(image_name(part, tag), layers, (PARTS[part],), USER, ENV, FOLDER)


def _requirements_layer(part: str) -> Layer:
    locked = ROOT / "requirements" / f"{part}.txt"
    version = base_python()
    key = hashlib.sha256(f"{version} {locked.read_text(encoding='utf-8')}".encode()).hexdigest()

    def fill(root: Path) -> None:
        _install(root, "--require-hashes", "--only-binary=:all:", "-r", locked)

    return cached_layer(f"requirements-{part}-{key[:16]}", fill)


def _project_layer() -> Layer:
    def fill(root: Path) -> None:
        _install(root, "--no-build-isolation", ROOT)
        programs = root / "usr" / "local" / "bin"
        programs.mkdir()
        for name, target in _scripts().items():
            module, _, function = target.partition(":")
            text = _ENTRY.format(module=module, name=function)
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)

    return cached_layer(f"project-{_sources_key()}", fill)


def _install(root: Path, *what: Word) -> None:
    """Installs with this host's pip, and its configuration, where the base's Python looks."""
    packages = root / "usr" / "local" / "lib" / f"python{base_python()}" / "dist-packages"
    pip = [_python(), "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    show(*pip, "--target", packages, *what)
    shutil.rmtree(packages / "bin", ignore_errors=True)  # these start this host's Python
    paths = ("-s", root, "-p", "/")
    show(_python(), "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", *paths, root)


def _python() -> str:
    """A Python of this host with the version of the base's, since wheels are chosen by it."""
    wanted = base_python()
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    if found := shutil.which(f"python{wanted}"):
        return found
    raise RuntimeError(f"images: the base has Python {wanted}, which this machine lacks")


def _scripts() -> dict[str, str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    scripts: dict[str, str] = tomllib.loads(text)["project"]["scripts"]
    return scripts


def _sources_key() -> str:
    digest = hashlib.sha256(base_python().encode())
    files = [path for folder in _SOURCES for path in (ROOT / folder).rglob("*")]
    for path in sorted([*files, ROOT / "pyproject.toml"]):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
