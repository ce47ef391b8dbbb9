"""The paths into a page that paging reads."""

from chartly.api.pagination import Pagination


def page_fields(pagination: Pagination) -> dict[str, str]:
    """The paths into a page, by the field of the profile that names them."""
    stop = pagination.stop
    named = {
        "responseField": pagination.response_field,
        "stop.hasMore": stop.has_more,
        "stop.total": stop.total,
        "stop.totalPages": stop.total_pages,
    }
    return {name: path for name, path in named.items() if path is not None}
