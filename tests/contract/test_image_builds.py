"""The images as the shipped Dockerfiles make them: built twice alike, and what is in them."""

import json
import re
import tarfile

import pytest

from cluster.image_builds import PARTS, TAG, build_image, image_name, project_image
from cluster.images import archived_images
from cluster.layout import ROOT
from cluster.options import Form
from support.cluster import need_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=sorted(PARTS))
def part(request):
    need_machine(Form.KUBELET)
    return request.param


def read(archive, digest):
    return json.load(archive.extractfile(f"blobs/{digest.replace(':', '/')}"))


def described(path):
    """The configuration of the only image in an archive, and the files of its own layers."""
    with tarfile.open(path) as archive:
        (digest,) = archived_images(path).values()
        manifest = read(archive, digest)
        config = read(archive, manifest["config"]["digest"])
        _base, *layers = manifest["layers"]
        names = set()
        for layer in layers:
            blob = archive.extractfile(f"blobs/{layer['digest'].replace(':', '/')}")
            with tarfile.open(fileobj=blob) as tree:
                names |= {member.name for member in tree if not member.isdir()}
    return config, names


def test_two_builds_have_one_digest(tmp_path, part):
    """With every step executed anew, and from what the storage has of builds before."""
    before = archived_images(project_image(part))
    again = tmp_path / "again.tar"
    build_image(part, TAG, again, anew=True)
    assert archived_images(again) == before
    assert list(archived_images(again)) == [image_name(part)]


def test_an_image_holds_its_packages_and_nothing_of_its_build(part):
    config, names = described(project_image(part))
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == [f"chartly-{part}"]
    assert config["config"]["WorkingDir"] == "/tmp"  # noqa: S108 - a volume of each container
    labels = config["config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"chartly-{part}"
    assert re.fullmatch("[0-9a-f]{16}", labels["org.opencontainers.image.revision"])
    assert f"usr/local/bin/chartly-{part}" in names
    strange = {name for name in names if not name.startswith("usr/local/")}
    assert strange <= {"etc/resolv.conf", "etc/hosts"}
    lock = (ROOT / "requirements" / f"{part}.txt").read_text(encoding="utf-8")
    own = {name.split("/")[5] for name in names if "/dist-packages/" in name}
    installed = {entry for entry in own if entry.endswith(".dist-info")}
    assert 1 < len(installed) <= len(re.findall(r"^\S+==", lock, re.MULTILINE)) + 1
    assert {f"usr/local/lib/{name}" for name in ("pip", "wheels", "source")} & names == set()
