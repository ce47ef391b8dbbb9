"""Checks of a run's counts, before its analytics are computed."""

from collections.abc import Mapping

from chartly.errors import Bug, Reason, RunError
from chartly.plan.runplan import StreamPlan
from chartly.slices import Slice
from chartly_store.ledger import summed


def check_sums(slices: Mapping[Slice, Mapping[str, int]]) -> None:
    """Raises unless every record is accounted for, in the run and in each slice (INV-4).

    Raises:
        Bug: a record is not.
    """
    _check_sum("", summed(slices.values()))
    for slice_, totals in slices.items():
        _check_sum(f"slice {str(slice_)!r}: ", totals)


def _check_sum(where: str, totals: Mapping[str, int]) -> None:
    parts = ("loaded", "rejected", "duplicate", "filtered", "late")
    if totals["read"] != sum(totals[name] for name in parts):
        raise Bug(f"{where}the records that were read are not all accounted for: {totals}")


def check_rejects(plan: StreamPlan, totals: Mapping[str, int]) -> None:
    """Raises where the rejects exceed the profile's threshold; without one, where all are rejects.

    Raises:
        RunError: ``RejectThreshold``; the rows stay, analytics are not computed.
    """
    limit = plan.normalizer.reject_threshold
    rejected, read = totals["rejected"], totals["read"]
    if limit.count is None and limit.percent is None and rejected:
        _check_any_kept(rejected, read - totals["filtered"])
    if limit.count is not None and rejected > limit.count:
        raise RunError(
            Reason.REJECT_THRESHOLD,
            f"{_rendered_share(rejected, read)} rejected; "
            f"rejectThreshold.count allows {limit.count}",
        )
    if limit.percent is not None and rejected * 100 > limit.percent * read:
        raise RunError(
            Reason.REJECT_THRESHOLD,
            f"{_rendered_share(rejected, read)} rejected; "
            f"rejectThreshold.percent allows {limit.percent} %",
        )


def _rendered_share(rejected: int, read: int) -> str:
    noun, verb = "record" if read == 1 else "records", "was" if rejected == 1 else "were"
    return f"{rejected} of {read} {noun} {verb}"


def _check_any_kept(rejected: int, kept: int) -> None:
    if rejected == kept:
        all_records = "the only record was" if rejected == 1 else f"all {rejected} records were"
        raise RunError(
            Reason.REJECT_THRESHOLD,
            f"{all_records} rejected, which a run without a rejectThreshold must "
            "not end with; `chartly rejects` shows why",
        )
