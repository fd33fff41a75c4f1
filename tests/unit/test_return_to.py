"""Where a sign-in may lead; the oracle is the WHATWG URL parser that browsers follow."""

from urllib.parse import unquote, unquote_to_bytes

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.auth.return_to import MAX_CHARACTERS, from_target_link_uri, safe_return_to

pytestmark = pytest.mark.invariant(7)

BASE = "https://signin.example.test"
FORBIDDEN = ("/sign-in", "/callback", "/sign-out", "/pass")


@pytest.mark.parametrize(
    "value",
    [
        "/", "/app", "/app?x=1&y=2#part", "/a/../b", "/?next=https://evil.example", "/x;y",
        "/a%20b", "/wiki//page", "/wiki/a%2Fb", "/%2f/evil.example", "/%5cevil.example",
        "/%09/evil.example", "/x//../sign-in", "/passengers", "/sign-in;x", "/signed-out", "/a?b=%",
        "/%25252525252f",
        "/a/%2e%2e/b", "/#//evil.example", "/?//evil.example", "/x?return_to=/sign-in",
    ],
)  # fmt: skip
def test_local_page_is_kept(value: str) -> None:
    assert safe_return_to(value, root="") == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("/käse?q=ü", "/k%C3%A4se?q=%C3%BC"),
        ("/my page", "/my%20page"),
        ("/a\u00a0b\u3000", "/a%C2%A0b%E3%80%80"),
        ("/\u2028x", "/%E2%80%A8x"),
        ("/a\\b?c\\d", "/a/b?c%5Cd"),
        (" /a ", "/a"),
        ("/a\tb\r\n", "/ab"),
        ("/a\x00b", "/a%00b"),
        ("/\u4e2d\u6587/\U0001f600", "/%E4%B8%AD%E6%96%87/%F0%9F%98%80"),
        ('/<"x">', "/%3C%22x%22%3E"),
    ],
)
def test_local_page_is_kept_as_a_browser_reads_it(value: str, kept: str) -> None:
    assert safe_return_to(value, root="") == kept
    one, other = (ada_url.URL(each, base=BASE) for each in (value, kept))
    assert unquote_to_bytes(one.href) == unquote_to_bytes(other.href)


@pytest.mark.parametrize(
    "value",
    [
        None, "", "app", "?x", "#x", "https://evil.example", "//evil.example", "///evil.example",
        "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
        " //evil.example", "\x01//evil.example", "javascript:alert(1)", "/.//evil.example",
        "/..//evil.example", "/%2e//evil.example", "/x/%2E.//evil.example", "/x/..\\/evil.example",
        "//../x", "http:evil.example", "/" + "a" * 2048, "/" + "ü" * 400,
    ],
)  # fmt: skip
def test_other_value_becomes_home(value: str | None) -> None:
    assert safe_return_to(value, root="") == "/"


@pytest.mark.parametrize("page", ["sign-in", "callback", "sign-out", "pass"])
@pytest.mark.parametrize(
    "spelled",
    [
        "/{}", "/{}/", "/{}?x", "/{}#x", "/./{}", "/a/../{}", "/%2e/{}", "/a/%2E%2e/{}",
        "/a/.%2e/{}", "/a//../../{}", "\\{}", "/{}/x", "/{}/../{}", "/{}/.", "/{}\t",
        "/x%2F..%2F{}", "/x%5C..%5C{}",
    ],
)  # fmt: skip
def test_page_of_a_sign_in_becomes_home(page: str, spelled: str) -> None:
    for name in (
        page,
        page.upper(),
        f"%{ord(page[0]):x}{page[1:]}",
        f"%25{ord(page[0]):x}{page[1:]}",
    ):
        assert safe_return_to(spelled.format(name, name), root="") == "/"


def test_limit_of_length_counts_the_encoded_result() -> None:
    longest = "/" + "a" * (MAX_CHARACTERS - 1)
    assert safe_return_to(longest, root="") == longest
    assert safe_return_to(longest + "a", root="") == "/"
    assert safe_return_to("/" + "\ufffd" * 6000, root="") == "/"
    assert safe_return_to("/" + "\ufffd" * 10, root="") == "/" + "%EF%BF%BD" * 10


def test_forbidden_pages_are_those_below_the_root() -> None:
    assert safe_return_to("/prod/sign-in", root="/prod") == "/prod/"
    assert safe_return_to("/prod/%70ass", root="/prod") == "/prod/"
    assert safe_return_to("/prod/app", root="/prod") == "/prod/app"
    assert safe_return_to("/prod//app", root="/prod") == "/prod//app"
    assert safe_return_to("/sign-in", root="/prod") == "/sign-in"
    assert safe_return_to("//x", root="/prod") == "/prod/"


PIECES = [
    "/", "//", "\\", ".", "..", "%2e", "%2E%2e", "%2f", "%5c", "%", "%25", "sign-in",
    "%73ign-out", "pass", "callback", "x", "evil.test", "@", ":", ";", " ", "\t", "\n", "\x00",
    "\u00a0", "\u2028", "ü", "?", "#",
]  # fmt: skip
values = st.one_of(
    st.text(max_size=60),
    st.text(max_size=60).map(lambda tail: f"/{tail}"),
    st.lists(st.sampled_from(PIECES), max_size=10).map(lambda pieces: "/" + "".join(pieces)),
)


@given(values)
def test_browser_never_leaves_the_origin(value: str) -> None:
    target = safe_return_to(value, root="")
    assert target.isascii()
    assert target.isprintable()
    assert len(target) <= MAX_CHARACTERS
    for location in (target, BASE + target):
        parsed = ada_url.URL(location, base=BASE)
        assert parsed.origin == BASE
        assert not parsed.pathname.startswith("//")
        assert unquote(parsed.pathname).lower().rstrip("/") not in FORBIDDEN


@given(values.filter(lambda value: value.startswith("/")))
def test_value_that_a_browser_resolves_to_this_origin_is_kept(value: str) -> None:
    try:
        asked = ada_url.URL(value, base=f"{BASE}/sign-in")
    except ValueError:
        return
    named = unquote(unquote(value)).lower()
    if (
        asked.origin == BASE
        and not asked.pathname.startswith("//")
        and not any(page.strip("/") in named for page in FORBIDDEN)
    ):
        kept = ada_url.URL(safe_return_to(value, root=""), base=BASE)
        assert unquote_to_bytes(kept.href) == unquote_to_bytes(asked.href)


def test_target_link_uri_is_kept_only_on_this_origin() -> None:
    assert from_target_link_uri(f"{BASE}/app?x=1", base_url=BASE) == "/app?x=1"
    assert from_target_link_uri(f"{BASE.upper()}/app", base_url=BASE) == "/app"
    assert from_target_link_uri(f"{BASE}?x", base_url=f"{BASE}/auth") == "/?x"
    assert from_target_link_uri("/app", base_url=BASE) == "/app"
    assert from_target_link_uri("app", base_url=BASE) is None
    assert from_target_link_uri("https://evil.example/", base_url=BASE) is None
    assert from_target_link_uri(f"{BASE}.evil.example/", base_url=BASE) is None
    assert from_target_link_uri(f"{BASE}@evil.example/", base_url=BASE) is None
    assert from_target_link_uri(None, base_url=BASE) is None
