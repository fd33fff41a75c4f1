"""Reading a query string or a form, strictly.

A parameter that comes twice means two things to two readers, so it is refused; so are sizes that
nobody means and bytes that are no text.
"""

from urllib.parse import unquote_to_bytes

from shared.errors import MalformedRequest

MAX_QUERY_BYTES = 8192
MAX_PARAMETERS = 64
MAX_VALUE_CHARACTERS = 2048


def parse_query(raw: bytes) -> dict[str, str]:
    """Parameters of an `application/x-www-form-urlencoded` text, each once.

    Raises MalformedRequest for a duplicate, for anything over the limits of this module, for
    bytes that are not UTF-8, and for control characters.
    """
    if len(raw) > MAX_QUERY_BYTES:
        raise MalformedRequest("the query is longer than any that is meant")
    pairs = [pair for pair in raw.split(b"&") if pair]
    if len(pairs) > MAX_PARAMETERS:
        raise MalformedRequest("there are more parameters than any request has")
    parameters: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        key, text = _text(name), _text(value)
        if key in parameters:
            raise MalformedRequest("a parameter is given twice")
        if len(text) > MAX_VALUE_CHARACTERS:
            raise MalformedRequest("a parameter is longer than any that is meant")
        parameters[key] = text
    return parameters


def _text(encoded: bytes) -> str:
    try:
        text = unquote_to_bytes(encoded.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedRequest("a parameter is not UTF-8 text") from None
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise MalformedRequest("a parameter holds a control character")
    return text
