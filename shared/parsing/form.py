"""Parse query strings and forms strictly.

Duplicate parameters are refused, because two parsers could choose different values. So are
excessive sizes and bytes that are not valid text.
"""

from urllib.parse import unquote_to_bytes

from shared.errors import MalformedRequest

MAX_QUERY_BYTES = 8192
MAX_PARAMETERS = 64
MAX_VALUE_CHARACTERS = 2048


def parse_query(raw: bytes, *, free: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the parameters of an `application/x-www-form-urlencoded` text.

    Raises MalformedRequest for a duplicate, for anything over the limits of this module, for
    bytes that are not UTF-8, and for control characters. The parameters named in `free` may have
    any value: the caller handles all of them.
    """
    if len(raw) > MAX_QUERY_BYTES:
        raise MalformedRequest("the query is too long")
    pairs = [pair for pair in raw.split(b"&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise MalformedRequest("there are too many parameters")
    parameters: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        key = _text(name)
        if key in parameters:
            raise MalformedRequest("a parameter is given twice")
        parameters[key] = _bytes(value).decode("utf-8", "replace") if key in free else _text(value)
    return parameters


def _bytes(encoded: bytes) -> bytes:
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def _text(encoded: bytes) -> str:
    try:
        text = _bytes(encoded).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedRequest("a parameter is not UTF-8 text") from None
    if len(text) > MAX_VALUE_CHARACTERS:
        raise MalformedRequest("a parameter is too long")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise MalformedRequest("a parameter contains a control character")
    return text
