"""Reading a JSON object that came from outside."""

import json
import re
from typing import Any

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that may be one of a pair, or half of a character, which has no UTF-8 form."""


def parse_json_object(text: bytes) -> dict[str, Any]:
    """The object that `text` is.

    Raises ValueError for anything else: another JSON value, a name that comes twice (two readers
    would take two values), NaN, text that is not UTF-8, halves of characters, or nested without
    end.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeError:
        raise ValueError("the JSON is not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("this is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the JSON is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the JSON names a member twice")
    return members


def _no_constant(_: str) -> None:
    raise ValueError("the JSON holds a number that is none")
