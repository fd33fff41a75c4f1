"""Encode positions in lists as cursors.

A cursor is bound to its list, so a wrong or truncated one is refused instead of skipping sessions.
It need not be secret: a caller who may read one page may read them all.
"""

from shared.errors import MalformedRequest
from shared.parsing import base64url
from shared.sealing import digest

_SEPARATOR = "\x00"


def cursor_of(list_id: str, first: str, second: str) -> str:
    """Return the cursor of a position, which consists of two texts, in a list."""
    position = base64url.encode(_SEPARATOR.join((first, second)).encode())
    return f"{digest('cursor', list_id, position)}.{position}"


def position_of(cursor: object, list_id: str) -> tuple[str, str] | None:
    """Return the position of a list's cursor, None for the first page. Raises MalformedRequest."""
    if cursor is None:
        return None
    try:
        check, _, position = str(cursor).partition(".")
        if check == digest("cursor", list_id, position):
            first, second = base64url.decode(position).decode().split(_SEPARATOR)
            return first, second
    except ValueError:
        pass
    raise MalformedRequest("`cursor` is not from a response of this action")
