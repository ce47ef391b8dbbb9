"""``python -m chartly_cli.docs``: writes the reference docs, or tells that they are stale."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chartly_cli.docs.cli_page import cli_page
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
    """Writes the pages; with ``--check`` only compares, and returns 1 when one differs."""
    parser = argparse.ArgumentParser(prog="python -m chartly_cli.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of write")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    options = parser.parse_args(arguments)
    stale = [name for name in PAGES if _text(options.folder / name) != PAGES[name]()]
    if options.check:
        for name in stale:
            sys.stderr.write(f"{options.folder / name} is stale; run `make generate`\n")
        return 1 if stale else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (options.folder / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
