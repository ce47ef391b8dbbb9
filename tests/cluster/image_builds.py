"""The project's images, built from the shipped Dockerfiles by buildah, which needs no daemon."""

import hashlib
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster.base_root import PIP_SETTINGS, base_layer
from cluster.commands import Word, call, show
from cluster.images import Image, write_archive
from cluster.layout import CACHE, ROOT
from cluster.locks import locked
from cluster.packages import ensure_packages

PARTS = {"connector": "runners", "loader": "runners", "operator": "operator"}
"""Each image's target with the folder of its Dockerfile."""
TAG = "rig"
_SOURCES = (".dockerignore", "pyproject.toml", "README.md", "LICENSE", "requirements")
_PACKAGES = ("core", "adapters", "service", "operator", "runners", "cli")
_CREATED = 315_532_800
"""Of every file and image, in seconds since 1970: the first instant that a zip archive can hold."""
_MOST_IMAGES = 150
_DAY = 86_400


def image_name(part: str, tag: str = TAG) -> str:
    """What a Pod calls the image of a part of ``PARTS``."""
    return f"localhost/chartly-{part}:{tag}"


def project_image(part: str, tag: str = TAG) -> Path:
    """The OCI archive of the image; built once for each version of what it is made of.

    Raises:
        RuntimeError: buildah, pip or debootstrap failed.
    """
    archive = CACHE / "images" / f"{part}-{tag}-{_sources_key()}.tar"
    if not archive.exists():
        with locked(CACHE / "images.lock"):
            if not archive.exists():
                build_image(part, tag, archive)
                _remove_older(archive)
    return archive


def build_image(part: str, tag: str, archive: Path, *, anew: bool = False) -> None:
    """Builds the image by its Dockerfile and writes its OCI archive; one build at a time.

    Args:
        anew: executes every step, also those whose result is cached.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    ensure_packages(("buildah",))
    _limit_storage()
    base = _base_image()
    name = image_name(part, tag)
    with TemporaryDirectory(dir=CACHE) as folder:
        _write_pip_settings(Path(folder))
        _buildah(
            *("build", "--file", ROOT / PARTS[part] / "Dockerfile", "--target", part),
            *("--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"REVISION={_sources_key()}"),
            *("--timestamp", _CREATED, "--volume", f"{folder}:{PIP_SETTINGS}:ro"),
            *(("--no-cache",) if anew else ()),
            *("--layers", "--pull-never", "--tag", name, ROOT),
        )
    hidden = archive.with_suffix(".partial")
    hidden.unlink(missing_ok=True)
    _buildah("push", "--disable-compression", name, f"oci-archive:{hidden}:{name}")
    hidden.rename(archive)


def _base_image() -> str:
    """The base as an image in buildah's storage; brought there once."""
    layer = base_layer()
    name = f"localhost/chartly-base:{layer.digest.removeprefix('sha256:')[:16]}"
    if name.rpartition(":")[2] not in _images():
        with TemporaryDirectory(dir=CACHE) as folder:
            archive = Path(folder, "base.tar")
            write_archive(Image(name, (layer,)), archive)
            _buildah("pull", f"oci-archive:{archive}:{name}")
    return name


def _images() -> str:
    """The storage's images, each with its intermediate ones, a line for each."""
    return call(*_command("images", "--all", "--format", "{{.Name}}:{{.Tag}}"))


def _limit_storage() -> None:
    """Empties the storage when the layers of many versions of the sources have piled up."""
    if len(_images().splitlines()) > _MOST_IMAGES:
        call(*_command("rmi", "--all", "--force"))


def _buildah(*words: Word) -> None:
    show(*_command(*words), env=os.environ | {"BUILDAH_ISOLATION": "chroot"})


def _command(*words: Word) -> tuple[Word, ...]:
    """A call of buildah with a storage of the rig's own; its policy is to take what is local."""
    home = CACHE / "buildah"
    policy = home / "policy.json"
    if not policy.exists():
        home.mkdir(parents=True, exist_ok=True)
        policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    subcommand, *rest = words
    checked = ("--signature-policy", policy) if subcommand in {"build", "pull", "push"} else ()
    storage = ("--root", home / "storage", "--runroot", home / "run")
    return ("buildah", *storage, subcommand, *checked, *rest)


def _write_pip_settings(folder: Path) -> None:
    """The index and the authorities that this host's pip uses, for the pip in a build."""
    settings: dict[str, str] = {}
    for line in call(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"")
    if "cert" in settings:
        (folder / "ca.pem").write_bytes(Path(settings["cert"]).read_bytes())
        settings["cert"] = str(PIP_SETTINGS / "ca.pem")
    kept = [name for name in ("index-url", "proxy", "timeout", "cert") if name in settings]
    lines = ["[global]", *(f"{name} = {settings[name]}" for name in kept)]
    (folder / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    folder.chmod(0o755)


def _sources_key() -> str:
    """A hash of everything that the builder is sent, and of the base."""
    digest = hashlib.sha256(base_layer().digest.encode())
    files = [path for name in (*_SOURCES, *_PACKAGES) for path in (ROOT / name).rglob("*")]
    for path in sorted([*files, *(ROOT / name for name in _SOURCES)]):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _remove_older(archive: Path) -> None:
    """Removes archives of the same image that nobody built for a day."""
    kind = archive.name.rpartition("-")[0]
    for old in archive.parent.glob(f"{kind}-*.tar"):
        if old.stat().st_mtime < archive.stat().st_mtime - _DAY:
            old.unlink()
