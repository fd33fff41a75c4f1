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
    "/sign-out/../sign-out", "/;/../sign-out",
]  # fmt: skip
SPLITS = [
    "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b", "/\nLocation: https://evil.test", "/a\rb",
    "/\u560d\u560aSet-Cookie:a=b", "/%E5%98%8D%E5%98%8ASet-Cookie:a=b", "/a\x00b", "/a\x7fb",
]  # fmt: skip
ODD = ["/%FF%FE", "/" + "x" * 5000, "%FF", "%", "/%", "?", "#", "0", "null", "undefined"]
LOCAL = ["/reports", "/reports?a=1&b=2", "/a/b/c#part", "/?x=https://evil.test", "/käse", "/a%20b"]


def target(scene: Scene, value: str) -> str:
    """Where a sign-in with this `return_to` ends."""
    attempt = scene.begin(query=f"return_to={quote(value, safe='')}")
    landed = scene.finish(attempt)
    assert landed.status == 302
    location = landed.location
    assert location.isascii()
    assert not any(ord(letter) < 0x21 or ord(letter) == 0x7F for letter in location)
    return location


@pytest.mark.parametrize("lead", LEADS, ids=ascii)
def test_other_host(scene: Scene, lead: str) -> None:
    for host, tail in combinations(HOSTS, ("", "/x")):
        location = target(scene, f"{lead}{host}{tail}")
        assert ada_url.URL(location).origin == ORIGIN
        assert ada_url.URL(location, base=f"{ORIGIN}/callback").origin == ORIGIN


@pytest.mark.parametrize("value", SCHEMES, ids=ascii)
def test_other_scheme(scene: Scene, value: str) -> None:
    assert ada_url.URL(target(scene, value)).origin == ORIGIN


@pytest.mark.parametrize("value", LOOPS, ids=ascii)
def test_no_loop(scene: Scene, value: str) -> None:
    assert target(scene, value) == f"{ORIGIN}/"


@pytest.mark.parametrize("value", SPLITS, ids=ascii)
def test_header_splitting(scene: Scene, value: str) -> None:
    assert ada_url.URL(target(scene, value)).origin == ORIGIN


@pytest.mark.parametrize("value", ODD, ids=lambda value: value[:12])
def test_odd_bytes(scene: Scene, value: str) -> None:
    """Sent as they stand: an escape that is broken or no UTF-8."""
    attempt = scene.begin(query=f"return_to={value}")
    assert ada_url.URL(scene.finish(attempt).location).origin == ORIGIN


@pytest.mark.parametrize("value", LOCAL, ids=ascii)
def test_local(scene: Scene, value: str) -> None:
    location = target(scene, value)
    assert urlsplit(location).path == quote(urlsplit(value).path, safe="/%")
    assert ada_url.URL(location).origin == ORIGIN


@pytest.mark.parametrize(
    "value",
    [f"{ORIGIN}.evil.test/", "https://evil.test/", f"http://{DOMAIN}/", f"{ORIGIN}:444/", "//evil.test",
     f"{ORIGIN}@evil.test/", f"{ORIGIN}\\@evil.test/", "javascript:alert(1)", f"{ORIGIN}//evil.test"],
)  # fmt: skip
def test_target_link_uri(scene: Scene, value: str) -> None:
    attempt = scene.begin(query=f"target_link_uri={quote(value, safe='')}")
    assert ada_url.URL(scene.finish(attempt).location).href == f"{ORIGIN}/"
