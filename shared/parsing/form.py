"""Parse query strings and forms strictly, as far as they are read.

Anybody can add parameters to a link. One that is not read counts for nothing but the size of the
whole. Of those that are read, duplicates are refused: two parsers could choose different values.
"""

from urllib.parse import unquote_to_bytes

from shared.errors import MalformedRequest

MAX_QUERY_BYTES = 8192
MAX_VALUE_CHARACTERS = 2048
_NOTHING: frozenset[str] = frozenset()


def parse_query(
    raw: bytes, *, reads: frozenset[str] = _NOTHING, free: frozenset[str] = _NOTHING
) -> dict[str, str]:
    """Return the parameters of an `application/x-www-form-urlencoded` text that are read.

    Those in `reads` are checked: at most `MAX_VALUE_CHARACTERS`, UTF-8, no control characters.
    Those in `free` may have any value, with U+FFFD for bytes that are not UTF-8. Raises
    MalformedRequest.
    """
    if len(raw) > MAX_QUERY_BYTES:
        raise MalformedRequest("the query is too long")
    parameters: dict[str, str] = {}
    for pair in raw.split(b"&"):
        name, _, value = pair.partition(b"=")
        # U+FFFD for what is not UTF-8: no parameter that is read has it in its name.
        key = _bytes(name).decode("utf-8", "replace")
        if key not in reads and key not in free:
            continue
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
