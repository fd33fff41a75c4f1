"""Query strings: read once, strictly."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedRequest
from shared.parsing.form import parse_query

pytestmark = pytest.mark.invariant(4)


READS = frozenset({"a", "b", "c", "d"})


def test_parameters_are_decoded() -> None:
    assert parse_query(b"a=1&b=%C3%A9+x&c=&d", reads=READS) == {
        "a": "1", "b": "é x", "c": "", "d": "",
    }  # fmt: skip
    assert parse_query(b"", reads=READS) == {}
    assert parse_query(b"&&a=b=c&", reads=READS) == {"a": "b=c"}


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
    ],
    ids=[
        "twice", "twice-encoded", "not-utf-8", "nul", "line-break", "9-kb", "long-value",
        "5000-parameters",
    ],
)  # fmt: skip
def test_malformed_query_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_query(raw, reads=READS)


UNREAD = [
    b"x=1&x=2",
    b"x=1&%78=2",
    b"x=%ff",
    b"x=%00",
    b"x=%0d%0aSet-Cookie:x",
    b"%ff=1&%ff=2",
    b"=&=",
    b"x=" + b"x" * 3000,
    b"&".join(b"p%d=1" % n for n in range(600)),
]


@pytest.mark.parametrize("raw", UNREAD, ids=lambda raw: ascii(raw[:16]))
def test_parameter_that_is_not_read_spoils_nothing(raw: bytes) -> None:
    assert parse_query(b"a=1&" + raw, reads=READS) == {"a": "1"}
    assert parse_query(raw + b"&a=1", reads=READS) == {"a": "1"}


def test_free_parameter_may_have_any_value_but_not_two() -> None:
    free = frozenset({"f"})
    assert parse_query(b"f=%ff%00%0a&a=1", reads=READS, free=free) == {"f": "\ufffd\0\n", "a": "1"}
    with pytest.raises(MalformedRequest):
        parse_query(b"f=1&f=2", reads=READS, free=free)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(MalformedRequest):
        for name, value in parse_query(raw, reads=READS).items():
            assert name in READS
            assert "\n" not in value
