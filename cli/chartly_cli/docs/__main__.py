"""``python -m chartly_cli.docs``: writes reference docs and CRDs, or prints which are stale."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chartly_cli.docs.cli_page import cli_page
from chartly_cli.docs.crd_files import CRD_FILES, CRD_FOLDER
from chartly_cli.docs.event_page import event_page
from chartly_cli.docs.profiles_page import profiles_page
from chartly_cli.docs.table_pages import audit_page, metrics_page, reasons_page
from chartly_cli.docs.workflow_page import api_page, workflow_page

FOLDER = Path("docs/user/reference")
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api_page,
    "audit.md": audit_page,
    "cli.md": cli_page,
    "event.md": event_page,
    "metrics.md": metrics_page,
    "profiles.md": profiles_page,
    "reasons.md": reasons_page,
    "workflow.md": workflow_page,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files; with ``--check`` only compares, and returns 1 when one differs."""
    parser = argparse.ArgumentParser(prog="python -m chartly_cli.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of write")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    parser.add_argument("--crds", type=Path, default=CRD_FOLDER, help="where the CRDs are")
    options = parser.parse_args(arguments)
    wanted = {options.folder / name: make for name, make in PAGES.items()}
    wanted |= {options.crds / name: make for name, make in CRD_FILES.items()}
    stale = {path: text for path, make in wanted.items() if _content(path) != (text := make())}
    for path, text in stale.items():
        if options.check:
            sys.stderr.write(f"{path} is stale; run `make generate`\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if options.check and stale else 0


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
