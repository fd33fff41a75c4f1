"""Where a sign-in may lead; the oracle is the WHATWG URL parser that browsers follow."""

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.auth.return_to import from_target_link_uri, safe_return_to

pytestmark = pytest.mark.invariant(7)

BASE = "https://signin.example.test"


@pytest.mark.parametrize(
    "value",
    ["/", "/app", "/app?x=1&y=2#part", "/a/../b", "/?next=https://evil.example", "/x;y", "/a%20b"],
)
def test_local_pages(value: str) -> None:
    assert safe_return_to(value, root="") == value


def test_other_letters_are_encoded() -> None:
    assert safe_return_to("/käse?q=ü", root="") == "/k%C3%A4se?q=%C3%BC"


@pytest.mark.parametrize(
    "value",
    [
        None, "", "app", "https://evil.example", "//evil.example", "///evil.example",
        "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
        " //evil.example", "/ /evil\r\nSet-Cookie: a=b", "javascript:alert(1)", "/%2f/evil.example",
        "/%5cevil.example", "/.//evil.example", "/..//evil.example", "/%09/evil.example",
        "http:evil.example", "/\x00", "/\u2028x", "/" + "a" * 3000, "/%25252525252f",
        "/sign-in", "/sign-in/", "/sign-in?x", "/SIGN-IN", "/%73ign-in", "/./callback",
        "/a/../callback?code=1", "/sign-out#x", "/sign-out/x", "/%2573ign-out",
    ],
)  # fmt: skip
def test_everything_else_becomes_home(value: str | None) -> None:
    assert safe_return_to(value, root="") == "/"


def test_the_root_of_a_stage() -> None:
    assert safe_return_to("/prod/sign-in", root="/prod") == "/prod/"
    assert safe_return_to("/prod/app", root="/prod") == "/prod/app"
    assert safe_return_to("//x", root="/prod") == "/prod/"


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="/\\.%2f5c09 \t\n\r@:?#evil", max_size=30).map(lambda tail: f"/{tail}"),
    )
)
def test_a_browser_never_leaves_the_origin(value: str) -> None:
    target = safe_return_to(value, root="")
    assert target.isascii()
    for location in (target, BASE + target):
        assert ada_url.URL(location, base=BASE).origin == BASE


def test_target_link_uri() -> None:
    assert from_target_link_uri(f"{BASE}/app?x=1", base_url=BASE) == "/app?x=1"
    assert from_target_link_uri("https://evil.example/", base_url=BASE) is None
    assert from_target_link_uri(f"{BASE}.evil.example/", base_url=BASE) is None
    assert from_target_link_uri(None, base_url=BASE) is None
