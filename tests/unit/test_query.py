"""Query strings: read once, strictly."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedRequest
from shared.parsing.form import parse_query

pytestmark = pytest.mark.invariant(4)


def test_parameters() -> None:
    assert parse_query(b"a=1&b=%C3%A9+x&c=&d") == {"a": "1", "b": "é x", "c": "", "d": ""}
    assert parse_query(b"") == {}
    assert parse_query(b"&&a=b=c&") == {"a": "b=c"}


@pytest.mark.parametrize(
    "raw",
    [
        b"a=1&a=2",
        b"a=1&%61=2",
        b"a=%ff",
        b"a=%00",
        b"a=%0d%0aSet-Cookie:x",
        b"a=" + b"x" * 9000,
        b"a=" + b"x" * 2049,
        b"&".join(b"p%d=1" % n for n in range(5000)),
        b"&".join(b"p%d=1" % n for n in range(65)),
    ],
    ids=[
        "twice", "twice-encoded", "not-utf-8", "nul", "line-break", "9-kb", "long-value",
        "5000-parameters", "65-parameters",
    ],
)  # fmt: skip
def test_what_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_query(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(MalformedRequest):
        for name, value in parse_query(raw).items():
            assert "\n" not in name + value
