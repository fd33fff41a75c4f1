"""Parse untrusted JSON objects strictly."""

import json
import re
from typing import Any

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escaped surrogate: one of a pair, or alone, which has no UTF-8 encoding."""


def parse_json_object(text: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises ValueError for another value, a duplicate member (two parsers could choose different
    values), NaN, invalid UTF-8, unpaired surrogates, or excessive nesting.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeError:
        raise ValueError("the JSON is not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("the text is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the JSON is not an object")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list as they are; none if the value is not a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the JSON has a duplicate member")
    return members


def _no_constant(_: str) -> None:
    raise ValueError("the JSON contains NaN or an infinity")
