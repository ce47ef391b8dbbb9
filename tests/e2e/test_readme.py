"""The README's cluster section and the cluster tutorial, typed as they are written."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from cluster.image_builds import PARTS, project_image
from cluster.layout import BIN
from support.cluster import node_rig
from support.practice import ROOT, practice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
VERSION = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]


def section(path: Path, title: str = "") -> str:
    """The bash blocks of a page, or of one of its sections."""
    text = path.read_text(encoding="utf-8")
    if title:
        text = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks, (path, title)
    return "".join(blocks)


@pytest.mark.parametrize(
    ("page", "title"), [("README.md", "On a cluster"), ("docs/user/cluster.md", "")]
)
def test_the_pages_run_as_they_are_written(tmp_path, page, title):
    with node_rig(network_policy=True) as rig:
        for part in PARTS:
            rig.load(project_image(part, VERSION))
        settings, store = practice(rig, tmp_path / "practice")
        path = f"{BIN}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        helm = {f"HELM_{one}_HOME": str(tmp_path / "helm") for one in ("CACHE", "CONFIG", "DATA")}
        environment = {
            **os.environ,
            **settings,
            **helm,
            "PATH": path,
            "KUBECONFIG": str(rig.kubeconfig),
        }
        try:
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", section(ROOT / page, title)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        finally:
            store.process.terminate()
            store.process.communicate(timeout=30)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Succeeded" in done.stdout
    assert "read 200, loaded 200, rejected 0, duplicate 0" in done.stdout
