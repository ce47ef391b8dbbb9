"""The paths into a page by which a profile pages."""

from chartly.api.pagination import Pagination


def page_fields(pagination: Pagination) -> dict[str, str]:
    """The paths into a page that a profile names, by their field."""
    stop = pagination.stop
    named = {
        "responseField": pagination.response_field,
        "stop.hasMore": stop.has_more,
        "stop.total": stop.total,
        "stop.totalPages": stop.total_pages,
    }
    return {name: text for name, text in named.items() if text is not None}
