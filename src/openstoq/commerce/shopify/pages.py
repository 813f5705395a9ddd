"""Walk a connection page by page."""

from openstoq.commerce.shopify.fields import Fields


def next_cursor(connection: Fields) -> str | None:
    """Return the cursor to the next page of a connection, or None if this is the last page.

    Raises ValueError if there is a next page but no cursor to it.
    """
    page = connection.inside("pageInfo")
    if page.flag_or_none("hasNextPage") is not True:
        return None
    cursor = page.text_or_none("endCursor")
    if cursor is None:
        raise ValueError("endCursor must be there when there is a next page")
    return cursor
