"""Browser: every family of values that make a browser leave the origin, or loop."""

from itertools import product as combinations
from urllib.parse import quote, urlsplit

import ada_url
import pytest

from harness.product import DOMAIN
from tests.hostile.scene import Scene

pytestmark = pytest.mark.invariant(7)

ORIGIN = f"https://{DOMAIN}"
HOSTS = ["evil.test", "evil%E3%80%82test", f"{DOMAIN}.evil.test", f"{DOMAIN}@evil.test", "[::1]"]
LEADS = [
    "//", "///", "////", "\\\\", "/\\", "\\/", "/\\/", "//\\", "/\t/", "/\n/", "/\r/", "\t//",
    " //", "/ /", "/%2f", "/%2F/", "/%5c", "/%5C/", "%2f%2f", "/.//", "/..//", "/./\\", "/;//",
    "https:", "https:/", "https://", "http://", "hTTps://", "https:\\\\", "https:///", "ftp://",
    "ws://", "//user:password@", "/%09/", "/%0a/", "/%0d/", "/%00/", "/%252f", "/%255c%255c",
    "\x00//", "\x01//", "\u2028//", "\ufeff//", "\u00a0//", "\u3000//", "\uff0f\uff0f", "/\uff0f", "\u2044\u2044",
]  # fmt: skip
SCHEMES = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "blob:x",
    "about:blank", "mailto:a@b.test", "view-source:x", "//javascript:alert(1)", "/javascript:alert(1)",
]  # fmt: skip
LOOPS = [
    "/sign-in", "/sign-in/", "/sign-in?return_to=/sign-in", "/SIGN-IN", "/Sign-In#x", "/%73ign-in",
    "/sign%2Din", "/%2573ign-in", "/./sign-in", "/x/../sign-in", "/callback", "/callback?code=x",
    "/callback/", "/CALLBACK", "/%63allback", "/sign-out", "/sign-out/", "/sign-out?x", "/x/../sign-out",
    "/sign-out/../sign-out", "/;/../sign-out", "/pass", "/pass/", "/PASS?x", "/%70ass", "/x/%2E%2e/pass",
    "/%2e/sign-in", "/x/.%2e/callback", "\\sign-out", "/sign-\tout", "/x//../../sign-in", " /sign-in ",
    "/%2525252573ign-in", f"{ORIGIN}/sign-out",
]  # fmt: skip
SPLITS = [
    "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b", "/\nLocation: https://evil.test", "/a\rb",
    "/\u560d\u560aSet-Cookie:a=b", "/%E5%98%8D%E5%98%8ASet-Cookie:a=b", "/a\x00b", "/a\x7fb",
]  # fmt: skip
KEPT = {
    "/wiki//page": "/wiki//page",
    "/wiki/a%2Fb": "/wiki/a%2Fb",
    "/%2f/x": "/%2f/x",
    "/a b": "/a%20b",
    "/a\u00a0b\u3000c": "/a%C2%A0b%E3%80%80c",
    "/a\u2028b": "/a%E2%80%A8b",
    "/x;y=1,2": "/x;y=1,2",
    "/\u4e2d\u6587?q=\u0442\u0435\u0441\u0442#\u00e9": "/%E4%B8%AD%E6%96%87?q=%D1%82%D0%B5%D1%81%D1%82#%C3%A9",
    "/\U0001f469\u200d\U0001f680": "/%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80",
    "/a\\b": "/a/b",
    "/a\x00b": "/a%00b",
    "/passengers": "/passengers",
    "/x//../sign-in": "/x//../sign-in",
    "/?return_to=/sign-out": "/?return_to=/sign-out",
    f"{ORIGIN}/reports?a=1#b": "/reports?a=1#b",
    "/" + "x" * 2047: "/" + "x" * 2047,
}
ODD = [
    "%FF" * 2000,
    "/%FF%FE",
    "/" + "x" * 5000,
    "%FF",
    "%",
    "/%",
    "?",
    "#",
    "0",
    "null",
    "undefined",
]
LOCAL = ["/reports", "/reports?a=1&b=2", "/a/b/c#part", "/?x=https://evil.test", "/käse", "/a%20b"]


def target(scene: Scene, value: str) -> str:
    """Return the URL to which a sign-in with this `return_to` redirects."""
    attempt = scene.begin(query=f"return_to={quote(value, safe='')}")
    landed = scene.finish(attempt)
    assert landed.status == 302
    location = landed.location
    assert location.isascii()
    assert len(location) <= len(ORIGIN) + 2048
    assert not any(ord(letter) < 0x21 or ord(letter) == 0x7F for letter in location)
    return location


@pytest.mark.parametrize("lead", LEADS, ids=ascii)
def test_other_host_never_leaves_the_origin(scene: Scene, lead: str) -> None:
    for host, tail in combinations(HOSTS, ("", "/x")):
        location = target(scene, f"{lead}{host}{tail}")
        assert ada_url.URL(location).origin == ORIGIN
        assert ada_url.URL(location, base=f"{ORIGIN}/callback").origin == ORIGIN


@pytest.mark.parametrize("value", SCHEMES, ids=ascii)
def test_other_scheme_never_leaves_the_origin(scene: Scene, value: str) -> None:
    assert ada_url.URL(target(scene, value)).origin == ORIGIN


@pytest.mark.parametrize("value", LOOPS, ids=ascii)
def test_value_that_would_loop_becomes_home(scene: Scene, value: str) -> None:
    assert target(scene, value) == f"{ORIGIN}/"


@pytest.mark.parametrize("value", SPLITS, ids=ascii)
def test_header_splitting_never_leaves_the_origin(scene: Scene, value: str) -> None:
    assert ada_url.URL(target(scene, value)).origin == ORIGIN


@pytest.mark.parametrize("value", ODD, ids=lambda value: value[:12])
def test_odd_bytes_never_leave_the_origin(scene: Scene, value: str) -> None:
    """They are sent unencoded: broken escapes, and bytes that are not UTF-8."""
    attempt = scene.begin(query=f"return_to={value}")
    assert ada_url.URL(scene.finish(attempt).location).origin == ORIGIN


@pytest.mark.parametrize("value", KEPT, ids=lambda value: ascii(value)[:24])
def test_value_that_a_browser_resolves_to_this_origin_is_kept(scene: Scene, value: str) -> None:
    assert target(scene, value) == f"{ORIGIN}{KEPT[value]}"


@pytest.mark.parametrize("value", ["/" + "x" * 2048, "/" + "\u00fc" * 400, "/" + "%" * 2048])
def test_value_too_long_once_encoded_becomes_home(scene: Scene, value: str) -> None:
    assert target(scene, value) == f"{ORIGIN}/"


def test_bytes_that_are_not_utf_8_do_not_grow_into_a_long_location(scene: Scene) -> None:
    attempt = scene.begin(query="return_to=/" + "%ff" * 2000)
    assert scene.finish(attempt).location == f"{ORIGIN}/"


@pytest.mark.parametrize("value", LOCAL, ids=ascii)
def test_local_page_is_kept(scene: Scene, value: str) -> None:
    location = target(scene, value)
    assert urlsplit(location).path == quote(urlsplit(value).path, safe="/%")
    assert ada_url.URL(location).origin == ORIGIN


@pytest.mark.parametrize(
    "value",
    [f"{ORIGIN}.evil.test/", "https://evil.test/", f"http://{DOMAIN}/", f"{ORIGIN}:444/", "//evil.test",
     f"{ORIGIN}@evil.test/", f"{ORIGIN}\\@evil.test/", "javascript:alert(1)", f"{ORIGIN}//evil.test"],
)  # fmt: skip
def test_target_link_uri_elsewhere_becomes_home(scene: Scene, value: str) -> None:
    attempt = scene.begin(query=f"target_link_uri={quote(value, safe='')}")
    assert ada_url.URL(scene.finish(attempt).location).href == f"{ORIGIN}/"
