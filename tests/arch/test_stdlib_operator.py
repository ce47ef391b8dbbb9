import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_is_the_standard_librarys():
    """A package named operator at the root would hide it from every process started there."""
    code = "import operator; print(operator.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    stdlib = Path(sysconfig.get_path("stdlib")).resolve()
    assert Path(done.stdout.strip()).resolve().parent == stdlib


def test_no_source_root_is_a_package():
    roots = ("core", "adapters", "service", "operator", "runners", "cli", "gateway")
    assert [root for root in roots if (ROOT / root / "__init__.py").exists()] == []
