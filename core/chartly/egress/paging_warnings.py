"""Warnings about a stream that has all its pages, from its pagination and its progress."""

from collections.abc import Callable

from chartly.api.pagination import Pagination
from chartly.egress.pull_progress import PullProgress
from chartly.egress.stop_rules import PageFacts
from chartly.warning import RunWarning, WarningReason

_BY_MEMBER = ("cursor", "nextUrl")


def warnings_of(pagination: Pagination, progress: PullProgress) -> tuple[RunWarning, ...]:
    """The warnings of a stream that is complete."""
    return tuple(
        RunWarning(reason, name, message(pagination, progress))
        for reason, name, applies, message in _WARNINGS
        if applies(pagination, progress)
    )


def lacks_member(pagination: Pagination, page: PageFacts, before: PullProgress) -> bool:
    """Whether the first page is the last only because it has no paging member at all."""
    first = pagination.mode in _BY_MEMBER and before.pages == 0 and page.size > 0
    return first and "responseField" not in page.members


def _is_capped(pagination: Pagination, progress: PullProgress) -> bool:
    requested = pagination.page_size if pagination.size_param is not None else None
    # More records than the largest page has: there was a full page that was not the last.
    return requested is not None and progress.largest < min(requested, progress.records)


def _is_first_again(pagination: Pagination, progress: PullProgress) -> bool:
    # The second page held records, and they were not counted: they were those of the first.
    is_second = progress.pages == 2  # noqa: PLR2004 - the first and that
    uncounted = is_second and not progress.empty and progress.records == progress.largest
    return pagination.stop.repeated_page and uncounted


def _is_short_of_total(pagination: Pagination, progress: PullProgress) -> bool:
    return _counted(pagination, progress) < progress.total


def _counted(pagination: Pagination, progress: PullProgress) -> int:
    """Records that count towards the total that the API declares."""
    skipped = pagination.start or 0 if pagination.mode == "offset" else 0
    return skipped + progress.records


def _never_seen(pagination: Pagination, _progress: PullProgress) -> str:
    return (
        f"no page has {pagination.response_field!r}, so the first page was taken for the only one"
    )


def _capped(pagination: Pagination, progress: PullProgress) -> str:
    return (
        f"{pagination.page_size} records a page were asked for, and none had more than "
        f"{progress.largest}"
    )


def _first_again(pagination: Pagination, progress: PullProgress) -> str:
    return (
        f"the second page was the first again, with {progress.records} records of "
        f"{pagination.page_size}, and taken for the last; if the API caps pages and ignores "
        f"{pagination.request_param or pagination.mode!r}, records are missing: name a total in "
        f"pagination.stop"
    )


def _short_of_total(pagination: Pagination, progress: PullProgress) -> str:
    return (
        f"the API once said that there are {progress.total} records, and "
        f"{_counted(pagination, progress)} came; what it said last was less"
    )


_WARNINGS: tuple[
    tuple[
        WarningReason,
        str,
        Callable[[Pagination, PullProgress], bool],
        Callable[[Pagination, PullProgress], str],
    ],
    ...,
] = (
    (
        WarningReason.PAGING_FIELD_NEVER_SEEN,
        "pagination.responseField",
        lambda _pagination, progress: bool(progress.unseen),
        _never_seen,
    ),
    (WarningReason.PAGE_SIZE_CAPPED, "pagination.pageSize", _is_capped, _capped),
    (
        WarningReason.PAGE_SIZE_CAPPED,
        "pagination.stop.repeatedPage",
        _is_first_again,
        _first_again,
    ),
    (
        WarningReason.TOTAL_NOT_REACHED,
        "pagination.stop",
        _is_short_of_total,
        _short_of_total,
    ),
)
