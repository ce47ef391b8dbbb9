import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint_imports(config):
    command = [Path(sys.executable).with_name("lint-imports"), "--config", config, "--no-cache"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_packages_import_only_what_they_may():
    done = lint_imports("pyproject.toml")
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_a_broken_contract_is_told(tmp_path):
    """The linter sees imports within our packages: a contract that cannot hold is broken."""
    config = tmp_path / "contracts.ini"
    config.write_text(
        "[importlinter]\n"
        "root_package = chartly\n"
        "[importlinter:contract:upside-down]\n"
        "name = names sit on plan\n"
        "type = forbidden\n"
        "source_modules = chartly.plan\n"
        "forbidden_modules = chartly.api\n",
        encoding="utf-8",
    )
    done = lint_imports(config)
    assert done.returncode == 1
    assert "1 broken" in done.stdout
