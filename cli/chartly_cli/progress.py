"""Progress on a terminal; silence in a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chartly_cli.output import Printer
from chartly_cli.printable import one_line

if TYPE_CHECKING:
    from chartly_loader.load_request import OnProgress, Progress


@contextmanager
def displayed_progress(printer: Printer, title: str) -> "Iterator[OnProgress]":
    """A function that prints how far a run is."""
    if printer.is_json or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Imported where it is needed: a pipe does not need it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    started = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        name = one_line(title)
        task = bar.add_task(name)

        def on_progress(done: "Progress") -> None:
            rate = done.read / max(0.001, time.monotonic() - started)
            bar.update(
                task,
                description=f"{name}: {one_line(done.stage)}, {done.pages:,} pages, "
                f"{done.read:,} records, {done.rejected:,} rejected, {rate:,.0f}/s",
            )

        yield on_progress
