"""JSON from outside: it is one object, and it has one meaning."""

import pytest

from shared.parsing.strict_json import parse_json_object


def test_one_object_is_parsed() -> None:
    assert parse_json_object(b'{"a": {"b": [1, null]}}') == {"a": {"b": [1, None]}}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"<html>",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff"}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_text_other_than_one_object_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        parse_json_object(text)
