"""Warnings at the end of a load that did not fail."""

from collections.abc import Iterator

from chartly.api.pagination import StopRules
from chartly.warning import RunWarning, WarningReason
from chartly_store.rollup import RollupResult


def of_overlaps(stop: StopRules, duplicates: int) -> Iterator[RunWarning]:
    """Warns of duplicates where an API counts its records: each may stand for a missing one."""
    if duplicates and (stop.total or stop.total_header):
        yield RunWarning(
            WarningReason.TOTAL_NOT_REACHED,
            "pagination.stop.total" if stop.total else "pagination.stop.totalHeader",
            f"{duplicates} of the records that reach the API's total came twice; where its "
            "pages overlap, as many are missing",
            duplicates,
        )


def of_sealed_windows(result: RollupResult) -> Iterator[RunWarning]:
    """Warns of touched windows that a roll-up did not compute again."""
    if result.sealed:
        yield RunWarning(
            WarningReason.WINDOW_SEALED,
            result.dataset,
            "windows that lost rows to retention are kept as they are",
            result.sealed,
        )
