"""Cookies: exact attributes, and Cookie headers of any content."""

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


def test_session_cookie_is_secure_http_only_and_lax() -> None:
    assert COOKIES.set_session(SessionHandle.of(SECRET)) == (
        f"__Host-session={SECRET}; Path=/; Secure; HttpOnly; SameSite=Lax"
    )


def test_session_cookie_on_plain_loopback_is_not_secure() -> None:
    assert Cookies(secure=False).set_session(SessionHandle.of(SECRET)) == (
        f"session={SECRET}; Path=/; HttpOnly; SameSite=Lax"
    )


@pytest.mark.parametrize(
    ("base_url", "session", "browser"),
    [
        ("https://signin.example.test", "__Host-session", "__Host-signin-"),
        ("https://localhost:3000", "__Host-session", "__Host-signin-"),
        ("https://example.test/auth", "__Host-session-auth", "__Host-signin-auth-"),
        ("https://example.test/my-app", "__Host-session-my-app", "__Host-signin-my-app-"),
        ("http://localhost:3000", "session-3000", "signin-3000-"),
        ("http://localhost", "session-80", "signin-80-"),
        ("http://127.0.0.1:3000/auth", "session-3000-auth", "signin-3000-auth-"),
    ],
)
def test_cookie_names_of_a_deployment_carry_its_path_or_local_port(
    base_url: str, session: str, browser: str
) -> None:
    cookies = Cookies.of(base_url)
    made = cookies.new_browser_cookie(os.urandom)
    assert cookies.session_name == session
    assert made.name.startswith(browser)
    assert len(made.name) == len(browser) + 6
    assert cookies.browser_cookies(f"{made.name}={made.value}".encode()) == (made,)


PATHS = ["", "/a", "/A", "/a-b", "/a/b", "/a_b", "/a--b", "/-a-b", "/a-b-", "/a.b", "/a/b/", "/ab"]


def test_deployments_on_one_host_have_cookies_of_their_own() -> None:
    roots = [f"https://example.test{path}" for path in PATHS]
    local = [f"http://localhost:{port}{path}" for port in (80, 3000) for path in PATHS]
    deployments = [Cookies.of(base_url) for base_url in roots + local]
    assert len({each.session_name for each in deployments}) == len(deployments)
    for one in deployments:
        made = one.new_browser_cookie(os.urandom)
        header = f"{made.name}={made.value}; {one.set_session(SessionHandle.of(SECRET))}".encode()
        for other in deployments:
            assert other.browser_cookies(header) == ((made,) if other == one else ())
            assert (other.session(header) is not None) == (other == one)


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
def test_neighbouring_cookie_neither_hides_the_session_cookie_nor_wins(header: str) -> None:
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
def test_malformed_or_ambiguous_session_cookie_is_none(header: str) -> None:
    assert COOKIES.session(header.encode("latin-1")) is None


def test_secret_with_spare_bits_set_is_refused() -> None:
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
def test_any_neighbouring_cookies_leave_the_session_cookie_readable(
    before: bytes, after: bytes
) -> None:
    header = before.replace(b";", b"") + f"; __Host-session={SECRET}; ".encode() + after
    handle = COOKIES.session(header)
    assert handle is not None
    assert handle.cookie_value == SECRET


@given(st.binary(max_size=500))
def test_any_header_without_a_session_cookie_gives_none(header: bytes) -> None:
    list(parse_cookies(header))
    assert COOKIES.session(header) is None
    assert COOKIES.browser_cookies(header) == ()


def test_browser_cookies_have_names_of_their_own() -> None:
    made = [COOKIES.new_browser_cookie(os.urandom) for _ in range(20)]
    header = "; ".join(f"{cookie.name}={cookie.value}" for cookie in made)
    assert COOKIES.browser_cookies(header.encode()) == tuple(made)
    assert len({cookie.name for cookie in made}) > 15


def test_browser_cookie_look_alikes_are_ignored() -> None:
    header = f"signin-abcdef={SECRET}; __Host-signin-abcde={SECRET}; __Host-signin-abcdef=x"
    assert COOKIES.browser_cookies(header.encode()) == ()
