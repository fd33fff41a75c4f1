"""The pages: escaping, the content policy, what they show, and that nothing in them is inline."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from functions.auth import pages
from functions.auth.pages.colour import READABLE, contrast, readable_on, text_on
from functions.auth.pages.sheets import DARK, LIGHT
from functions.auth.pages.text import initials
from shared.identity import Identity

BRAND = pages.Brand(name="Northwind & Sons", logo_url="https://cdn.test/logo.svg", accent="#ffe08a")
PLAIN = pages.Brand(name="Northwind")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'
IDENTITY = Identity(
    issuer="https://tenant.logto.app/oidc",
    subject="alice0000001",
    name="Alice Example",
    email="alice@contoso.com",
    picture="https://pictures.test/alice.png",
    connector="contoso00001",
    tenant_id="7f3c1f0e",
    organizations=("org1", "org2"),
    organization_roles=("org1:admin", "org3:member"),
    roles=("buyer",),
    groups=("finance",),
)
VIEW = pages.HomeView(
    identity=IDENTITY,
    signed_in_at=datetime(2026, 1, 7, 9, 5, tzinfo=UTC),
    expires_at=datetime(2026, 1, 7, 21, 5, tzinfo=UTC),
    idle_expires_at=datetime(2026, 1, 7, 10, 5, tzinfo=UTC),
)


class Elements(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def every_page(brand: pages.Brand, text: str = "x", root: str = "") -> list[str]:
    identity = replace(
        IDENTITY,
        name=text,
        email=text,
        connector=text,
        tenant_id=text,
        organizations=(text,),
        organization_roles=(f"{text}:{text}",),
        roles=(text,),
        groups=(text,),
    )
    view = replace(VIEW, identity=identity)
    return [
        pages.render_home(brand, None, root=root),
        pages.render_home(brand, view, root=root),
        pages.render_error(
            brand,
            status=400,
            title=text,
            message=text,
            correlation_id=text,
            action=pages.Action(label=text, href=f"{root}/sign-in"),
            root=root,
        ),
        pages.render_sign_out(brand, root=root),
        pages.render_signed_out(brand, root=root),
    ]


@pytest.mark.parametrize("brand", [BRAND, PLAIN, replace(PLAIN, name=HOSTILE)])
def test_page_has_nothing_inline_and_loads_only_its_own_stylesheets(brand: pages.Brand) -> None:
    for html in every_page(brand, HOSTILE):
        found = Elements(html)
        assert not {"script", "style", "iframe", "object", "base"} & {t for t, _ in found.tags}
        for _, attributes in found.tags:
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
        sheets = [link["href"] for link in found.named("link") if link["rel"] == "stylesheet"]
        assert all(str(href).startswith("/assets/") for href in sheets)
        assert "49" not in re.sub(r"[a-f0-9]{12}|%[0-9A-F]{2}", "", html).split("<main>")[1]


def test_every_page_has_what_a_screen_reader_needs() -> None:
    for html in every_page(BRAND, "Text"):
        found = Elements(html)
        assert found.named("html")[0]["lang"] == "en"
        assert len(found.named("h1")) == 1
        assert len(found.named("main")) == 1
        assert all("alt" in image for image in found.named("img"))
        titles = re.findall(r"<title>([^<]+)</title>", html)
        assert len(titles) == 1
        assert titles[0].strip()


def test_links_begin_with_the_root() -> None:
    for html in every_page(BRAND, "x", root="/prod"):
        found = Elements(html)
        for tag, name in (("a", "href"), ("form", "action")):
            assert all(str(a[name]).startswith("/prod/") for a in found.named(tag))


def test_home_shows_who_is_signed_in() -> None:
    html = pages.render_home(BRAND, VIEW, root="")
    for shown in (
        *("Alice Example", "alice@contoso.com", "contoso00001", "7f3c1f0e", "buyer", "finance"),
        *("org1", "org2", "org3", "admin", "member"),
        *("7 January 2026, 09:05 UTC", "7 January 2026, 10:05 UTC", "7 January 2026, 21:05 UTC"),
        *("Northwind &amp; Sons", "https://cdn.test/logo.svg", "https://pictures.test/alice.png"),
    ):
        assert shown in html


def test_home_of_a_user_without_claims_shows_no_placeholder() -> None:
    unnamed = Identity(issuer=IDENTITY.issuer, subject=IDENTITY.subject)
    view = replace(VIEW, identity=unnamed)
    html = pages.render_home(PLAIN, view, root="")
    assert "You are signed in" in html
    assert "None" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "picture",
    [
        "https://graph.microsoft.com/v1.0/me/photo/$value",
        "https://canary-graph.microsoft.com/photo",
        "http://pictures.test/a.png",
        "javascript:alert(1)",
        "data:image/svg+xml,<svg/>",
        "https://user@pictures.test/a.png",
        "https://[",
        "",
    ],
)
def test_picture_that_a_browser_cannot_load_is_left_out(picture: str) -> None:
    view = replace(VIEW, identity=replace(IDENTITY, picture=picture))
    assert view.picture_url is None


@pytest.mark.parametrize("origin", ["https://signin.test", "http://signin.test:3000"])
def test_picture_of_the_deployments_own_host_is_left_out(origin: str) -> None:
    """The scheme and the port of the deployment make no difference."""
    identity = replace(IDENTITY, picture="https://signin.test/sign-out")
    assert replace(VIEW, identity=identity, origin=origin).picture_url is None


def test_content_security_policy_allows_no_script() -> None:
    policy = pages.content_security_policy(form_action=("https://tenant.logto.app",))
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["style-src"] == "'self'"
    assert directives["form-action"] == "'self' https://tenant.logto.app"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert "script-src" not in policy


@pytest.mark.parametrize("origin", ["*", "https://a.test; script-src *", "https://a.test/path"])
def test_content_security_policy_refuses_anything_but_an_origin(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        pages.content_security_policy(form_action=(origin,))


@pytest.mark.parametrize("accent", ["#000000", "#ffffff", "#ffe08a", "#2f5bd7", "#777777"])
def test_any_accent_is_readable(accent: str) -> None:
    assert contrast(text_on(accent), accent) >= READABLE
    for surface in (LIGHT, DARK):
        assert contrast(readable_on(surface, accent), surface) >= READABLE
    assert f"--accent:{accent}" in pages.accent_css(replace(BRAND, accent=accent))


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Alice Example", "AE"),
        ("alice", "A"),
        ("Ada M. Lovelace", "AL"),
        ("王小明", "王"),
        ("محمد علي", "م"),
        ("ß", "ß"),
        ("😀", None),
        ("", None),
    ],
)
def test_initials_come_from_the_letters_of_a_name(name: str, letters: str | None) -> None:
    assert initials(name) == letters
