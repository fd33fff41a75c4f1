"""Cookies: exact attributes, and a Cookie header that cannot be bent."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing import new_secret
from shared.session_handle import SessionHandle
from shared.web.cookies import Cookies, parse_cookies

pytestmark = pytest.mark.invariant(18)

COOKIES = Cookies(secure=True)
SECRET = new_secret()
OTHER = new_secret()


def test_session_cookie_attributes() -> None:
    assert COOKIES.set_session(SessionHandle.of(SECRET)) == (
        f"__Host-session={SECRET}; Path=/; Secure; HttpOnly; SameSite=Lax"
    )


def test_session_cookie_on_plain_loopback() -> None:
    assert Cookies(secure=False).set_session(SessionHandle.of(SECRET)) == (
        f"session={SECRET}; Path=/; HttpOnly; SameSite=Lax"
    )


def test_cleared_cookie_keeps_its_attributes() -> None:
    assert COOKIES.clear_session() == (
        "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    )


@pytest.mark.parametrize(
    "header",
    [
        f"__Host-session={SECRET}",
        f"a=b; __Host-session={SECRET}; c=d",
        f"a=b;__Host-session={SECRET};",
        f'broken; ="; "=;; __Host-session={SECRET}',
        f'x="unclosed; __Host-session={SECRET}',
        f"__Host-session={SECRET}; __Host-session={SECRET}",
        f"__host-session={OTHER}; __Host-session={SECRET}",
        f"session={OTHER}; __Host-session={SECRET}; __Secure-session={OTHER}",
        f"__Host-session=short; __Host-session={SECRET}",
        f'__Host-session="{OTHER}"; __Host-session={SECRET}',
        f"x=__Host-session={OTHER}; __Host-session={SECRET}",
        f"\x00=\xff; __Host-session={SECRET}",
    ],
)
def test_a_neighbour_hides_nothing_and_does_not_win(header: str) -> None:
    handle = COOKIES.session(header.encode("latin-1"))
    assert handle is not None
    assert handle.cookie_value == SECRET


@pytest.mark.parametrize(
    "header",
    [
        "",
        "__Host-session",
        "__Host-session=",
        f"session={SECRET}",
        f"__Host-Session={SECRET}",
        f" __Host-session ={SECRET}",
        f"__Host-session={SECRET}x",
        f"__Host-session={SECRET[:-1]}",
        f"__Host-session={SECRET[:-1]}=",
        f"__Host-session={SECRET}; __Host-session={OTHER}",
        "__Host-session=" + "A" * 10_000,
        f"__Host-session={SECRET[:20]}\x00{SECRET[21:]}",
        f"__Host-session={SECRET[:-1]}\xc4",
    ],
)
def test_what_is_no_session_cookie(header: str) -> None:
    assert COOKIES.session(header.encode("latin-1")) is None


def test_a_secret_has_one_spelling() -> None:
    """The last character of 256 bits has two spare bits, which a lenient decoder ignores."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelled = [
        letter
        for letter in alphabet
        if COOKIES.session(f"__Host-session={SECRET[:-1]}{letter}".encode()) is not None
    ]
    assert len(spelled) == 16
    assert SECRET[-1] in spelled


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_neighbours(before: bytes, after: bytes) -> None:
    header = before.replace(b";", b"") + f"; __Host-session={SECRET}; ".encode() + after
    handle = COOKIES.session(header)
    assert handle is not None
    assert handle.cookie_value == SECRET


@given(st.binary(max_size=500))
def test_any_header_is_read(header: bytes) -> None:
    list(parse_cookies(header))
    assert COOKIES.session(header) is None
    assert COOKIES.browser_cookies(header) == ()


def test_browser_cookies_have_names_of_their_own() -> None:
    made = [COOKIES.new_browser_cookie(os.urandom) for _ in range(20)]
    header = "; ".join(f"{cookie.name}={cookie.value}" for cookie in made)
    assert COOKIES.browser_cookies(header.encode()) == tuple(made)
    assert len({cookie.name for cookie in made}) > 15


def test_browser_cookie_look_alikes() -> None:
    header = f"signin-abcdef={SECRET}; __Host-signin-abcde={SECRET}; __Host-signin-abcdef=x"
    assert COOKIES.browser_cookies(header.encode()) == ()
