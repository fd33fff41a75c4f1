"""Parsing a callback: any query is read or refused, and values that are read are safe to use."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.auth.callback import PARAMETERS, parse_callback
from shared.errors import MalformedRequest
from shared.parsing.form import parse_query

pytestmark = pytest.mark.invariant(4)

STATE = "A" * 43
_names = st.sampled_from(["state", "code", "error", "iss", "x", "STATE", "code "])


@given(st.dictionaries(_names, st.text(max_size=50) | st.just(STATE)))
def test_any_parameters_are_read_or_refused(query: dict[str, str]) -> None:
    with suppress(MalformedRequest):
        read = parse_callback(query)
        assert read.state == query["state"]
        assert (read.code is None) != (read.error is None)
        assert read.code is None or (read.code.isascii() and read.code.isprintable())


@given(st.lists(st.tuples(_names, st.binary(max_size=20)), max_size=8))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, bytes]]) -> None:
    raw = b"&".join(name.encode() + b"=" + value for name, value in pairs)
    with suppress(MalformedRequest):
        parse_callback(parse_query(raw, reads=PARAMETERS))


@pytest.mark.parametrize("name", ["state", "code"])
def test_repr_shows_neither_state_nor_code(name: str) -> None:
    assert "secret-code" not in repr(parse_callback({"state": STATE, "code": "secret-code"}))
    assert STATE not in repr(parse_callback({"state": STATE, "code": "secret-code"}))
