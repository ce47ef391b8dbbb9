"""The pagination of a connector profile: how pages follow each other, and where they end."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chartly.api.model import MemberError, SpecModel, Unserved
from chartly.api.text_forms import RESPONSE_HEADER

SIZE_MESSAGE = "sizeParam needs pageSize"
OFFSET_MESSAGE = "mode offset needs pageSize"
NEVER_AN_END = (401, 403, 408, 425, 429)
NEVER_AN_END_MESSAGE = "statuses 401, 403, 408, 425 and 429 never mean the end of the pages"
OFFSET_GOES_ON_MESSAGE = (
    "mode offset cannot go on behind an empty page; stop.emptyPage must be true"
)
PAGINATION_NEEDS: dict[str, tuple[str, ...]] = {
    "cursor": ("requestParam", "responseField"),
    "nextUrl": ("responseField",),
}
"""The fields that a mode of pagination requires."""


class StopRules(SpecModel):
    """Rules that end the pages, beside a page without a next one.

    `hasMore`, `total`, `totalHeader` and `totalPages` are statements of the API itself: each page
    with records must have them, and if they declare more pages, an empty page does not end the run.
    """

    statuses: Annotated[
        tuple[Annotated[int, Field(ge=400, le=499)], ...], Field(max_length=16)
    ] = ()
    """Statuses that mean the end as the response after the last page, such as 404. On the first
    page they are failures. 401, 403, 408, 425 and 429 never mean an end.
    """
    has_more: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The member of a page that declares another page: true or false. Dotted name or JSONPath."""
    total: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The member of a page with the number of records on all pages. Dotted name or JSONPath."""
    total_header: Annotated[str, Field(pattern=RESPONSE_HEADER, max_length=128)] | None = None
    """The response header with the number of records on all pages."""
    total_pages: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The member of a page with the number of pages. Dotted name or JSONPath."""
    short_page: bool = False
    """Whether a page with fewer records than the largest one before it is the last. A first page
    is never short: the API may send fewer than `pageSize`.
    """
    empty_page: bool | None = None
    """Whether a page without records is the last; true without it for `page` and `offset`, false
    for `cursor` and `nextUrl`. A page is not empty if a filter in
    `records.path` removes all its records. Mode `offset` cannot continue after an empty page.
    """
    repeated_page: bool = False
    """Whether a page with the records of the one before it is the last, as of an API that answers
    with its last page again and again; its records count as duplicates. Without it such a page
    ends the run with `PaginationLoop`. For `page` and `offset`.
    """

    @model_validator(mode="after")
    def _never_ends(self) -> Self:
        for position, status in enumerate(self.statuses):
            if status in NEVER_AN_END:
                raise MemberError(NEVER_AN_END_MESSAGE, "statuses", position)
        return self


class Pagination(SpecModel):
    """How the next page is requested.

    ``cursor`` reads ``responseField`` and sends it as ``requestParam``; ``page`` and ``offset``
    count; ``nextUrl`` follows the link in ``responseField``. A dotted name reaches into objects.
    """

    mode: Annotated[
        Literal["none", "cursor", "page", "offset", "nextUrl", "linkHeader"],
        Unserved(("linkHeader",)),
    ] = "none"
    """How the next page is found."""
    request_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The query parameter for the cursor, page or offset; required for `cursor`,
    otherwise `page` or `offset`.
    """
    response_field: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The member of a page with the next cursor or link; required for `cursor` and `nextUrl`.
    Null, false, empty or absent ends the pages; if the first page has records and not this
    member, the run warns with `PagingFieldNeverSeen`.
    """
    size_param: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The query parameter for `pageSize`."""
    page_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Records requested per page; `offset` moves by the number received, whatever was requested."""
    start: Annotated[int, Field(ge=0)] | None = None
    """The first page (1 without it) or offset (0 without it)."""
    max_pages: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Pages at most; if the API has more, the run ends with `LimitReached`."""
    max_empty_pages: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Pages without a record that may follow each other before the run ends with `LimitReached`."""
    stop: StopRules = StopRules.model_construct()
    """Rules that end the pages, beside a page without a next one."""

    @model_validator(mode="after")
    def _needs_fields(self) -> Self:
        given = {"requestParam": self.request_param, "responseField": self.response_field}
        for field in PAGINATION_NEEDS.get(self.mode, ()):
            if given[field] is None:
                raise ValueError(f"mode {self.mode} needs {field}")
        if self.size_param is not None and self.page_size is None:
            raise MemberError(SIZE_MESSAGE, "sizeParam")
        if self.mode == "offset" and self.page_size is None:
            raise ValueError(OFFSET_MESSAGE)
        if self.mode == "offset" and self.stop.empty_page is False:
            raise MemberError(OFFSET_GOES_ON_MESSAGE, "stop", "emptyPage")
        return self
