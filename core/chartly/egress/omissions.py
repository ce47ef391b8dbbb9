"""What is said of a run that has all its pages, from its pagination and its course."""

from collections.abc import Callable

from chartly.api.pagination import Pagination
from chartly.egress.ends import PageFacts
from chartly.egress.pull_course import PullCourse
from chartly.warning import RunWarning, WarningReason

_NAMED = ("cursor", "nextUrl")


def warnings_of(pagination: Pagination, course: PullCourse) -> tuple[RunWarning, ...]:
    """The warnings of a stream that is over."""
    return tuple(
        RunWarning(reason, name, message(pagination, course))
        for reason, name, met, message in _WARNINGS
        if met(pagination, course)
    )


def lacks_member(pagination: Pagination, page: PageFacts, before: PullCourse) -> bool:
    """Whether the first page is the last only because it has no paging member at all."""
    first = pagination.mode in _NAMED and before.pages == 0 and page.size > 0
    return first and "responseField" not in page.members


def _is_capped(pagination: Pagination, course: PullCourse) -> bool:
    asked = pagination.page_size if pagination.size_param is not None else None
    # More records than the largest page has: there was a full page that was not the last.
    return asked is not None and course.largest < min(asked, course.records)


def _is_first_again(pagination: Pagination, course: PullCourse) -> bool:
    # The second page held records, and they were not counted: they were those of the first.
    uncounted = course.pages == 2 and not course.empty and course.records == course.largest  # noqa: PLR2004 - the first and that
    return pagination.stop.repeated_page and uncounted


def _is_short_of_total(pagination: Pagination, course: PullCourse) -> bool:
    return _counted(pagination, course) < course.total


def _counted(pagination: Pagination, course: PullCourse) -> int:
    """Records that count towards what the API says there are."""
    skipped = pagination.start or 0 if pagination.mode == "offset" else 0
    return skipped + course.records


def _never_seen(pagination: Pagination, _course: PullCourse) -> str:
    return (
        f"no page has {pagination.response_field!r}, so the first page was taken for the only one"
    )


def _capped(pagination: Pagination, course: PullCourse) -> str:
    return (
        f"{pagination.page_size} records a page were asked for, and none had more than "
        f"{course.largest}"
    )


def _first_again(pagination: Pagination, course: PullCourse) -> str:
    return (
        f"the second page was the first again, with {course.records} records of "
        f"{pagination.page_size}, and taken for the last; if the API caps pages and ignores "
        f"{pagination.request_param or pagination.mode!r}, records are missing: name a total in "
        f"pagination.stop"
    )


def _short_of_total(pagination: Pagination, course: PullCourse) -> str:
    return (
        f"the API once said that there are {course.total} records, and "
        f"{_counted(pagination, course)} came; what it said last was less"
    )


_WARNINGS: tuple[
    tuple[
        WarningReason,
        str,
        Callable[[Pagination, PullCourse], bool],
        Callable[[Pagination, PullCourse], str],
    ],
    ...,
] = (
    (
        WarningReason.PAGING_FIELD_NEVER_SEEN,
        "pagination.responseField",
        lambda _pagination, course: bool(course.unseen),
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
