"""Cursors of lists: where the next page begins, as a text that says nothing else.

A cursor is bound to the list that it belongs to, so one that was mixed up or cut short is refused,
and does not quietly leave sessions out. That is a check against mistakes: who may ask for one page
may ask for all.
"""

from shared.errors import MalformedRequest
from shared.parsing import base64url
from shared.sealing import digest

_SEPARATOR = "\x00"


def cursor_of(whose: str, first: str, second: str) -> str:
    """Return the cursor of a position, two texts, in the list of `whose` sessions."""
    position = base64url.encode(_SEPARATOR.join((first, second)).encode())
    return f"{digest('cursor', whose, position)}.{position}"


def position_of(cursor: object, whose: str) -> tuple[str, str] | None:
    """Return the position of a cursor, or None for the first page.

    Raises MalformedRequest for a cursor that no answer about `whose` sessions held.
    """
    if cursor is None:
        return None
    try:
        check, _, position = str(cursor).partition(".")
        if check == digest("cursor", whose, position):
            first, second = base64url.decode(position).decode().split(_SEPARATOR)
            return first, second
    except ValueError:
        pass
    raise MalformedRequest("`cursor` is not one that an answer held")
