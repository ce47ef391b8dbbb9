"""Renders the results of the demo: rejects, the rollup as bars, digests, audit chains."""

from collections.abc import Sequence

from chartly.evidence.hash_chain import ChainVerdict
from chartly_cli.local_run import LocalReport
from chartly_cli.output import table
from chartly_store.stored_project import EngineProject

_WIDTH = 44
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bars(rows: Sequence[tuple[object, ...]]) -> str:
    """Names and counts as horizontal bars."""
    counts = [(str(name), int(str(count))) for name, count in rows]
    longest = max((count for _, count in counts), default=1)
    width = max((len(name) for name, _ in counts), default=0)
    return "\n".join(
        f"  {name.ljust(width)} {_bar(count / longest)} {count:,}" for name, count in counts
    )


def _bar(share: float) -> str:
    eighths = round(share * _WIDTH * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip().ljust(_WIDTH)


def rejects(stored: EngineProject, dataset: str, run: str) -> str:
    """The rejects of a run by reason, with one message each."""
    rows = stored.store.engine.rows(
        "SELECT reason, count(), min(message) "
        f"FROM `{stored.store.database}`.`{dataset}__rejected` FINAL "
        "WHERE run_id = {run:String} GROUP BY reason ORDER BY reason",
        {"run": run},
    )
    cells = [[str(row[0]), int(str(row[1])), str(row[2])] for row in rows]
    return table(["reason", "records", "for example"], cells) if rows else "no rejects"


def digests(report: LocalReport) -> str:
    """The digest of every profile that ran."""
    rows = [[reference.rpartition("::")[2], digest] for reference, digest in report.digests.items()]
    return table(["profile", "digest"], rows)


def chains(verdicts: Sequence[ChainVerdict]) -> str:
    """The verdict of the audit check, in one line."""
    broken = [verdict.chain for verdict in verdicts if verdict.verdict.fault]
    entries = sum(verdict.verdict.count for verdict in verdicts)
    if broken:
        return f"BROKEN: {', '.join(broken)}"
    return f"{len(verdicts)} chains with {entries} entries verified"
