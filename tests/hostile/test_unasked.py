"""Browser: requests that nobody asked for, such as prefetches, images and posts of other sites."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest

from harness.browser import NAVIGATION
from harness.product import DOMAIN
from harness.tables import dump
from tests.hostile.provider import SUBJECT
from tests.hostile.scene import SESSION, Scene, Witnessed

ORIGIN = f"https://{DOMAIN}"
HERE = {**NAVIGATION, "sec-fetch-site": "same-origin"}
PREFETCHES: dict[str, dict[str, str]] = {
    "sec-purpose": {"sec-purpose": "prefetch"},
    "a prerender": {"sec-purpose": "prefetch;prerender"},
    "an anonymous prefetch": {"sec-purpose": "prefetch;anonymous-client-ip"},
    "in capitals": {"sec-purpose": "Prefetch"},
    "a prerender by itself": {"sec-purpose": "prerender"},
    "purpose": {"purpose": "prefetch"},
    "a preview": {"purpose": "preview"},
    "x-purpose": {"x-purpose": "preview"},
    "x-purpose in capitals": {"x-purpose": "PREVIEW"},
    "x-moz": {"x-moz": "prefetch"},
    "without Fetch Metadata": {
        **{f"sec-fetch-{name}": "" for name in ("mode", "dest", "site")},
        "x-moz": "prefetch",
    },
}
SUBRESOURCES: dict[str, dict[str, str]] = {
    **{
        f"{dest} by {mode}": {"sec-fetch-dest": dest, "sec-fetch-mode": mode}
        for dest, mode in (
            ("image", "no-cors"), ("image", "cors"), ("script", "no-cors"), ("style", "no-cors"),
            ("empty", "cors"), ("empty", "same-origin"), ("empty", "no-cors"), ("audio", "no-cors"),
            ("font", "cors"), ("track", "same-origin"), ("worker", "same-origin"), ("report", "no-cors"),
            ("iframe", "navigate"), ("frame", "navigate"), ("embed", "navigate"), ("object", "navigate"),
            ("fencedframe", "navigate"), ("document", "cors"), ("manifest", "cors"), ("empty", "websocket"),
        )
    },
    "a fetch without a destination": {"sec-fetch-dest": "", "sec-fetch-mode": "cors"},
    "an image without a mode": {"sec-fetch-dest": "image", "sec-fetch-mode": ""},
}  # fmt: skip
INCOMPLETE = {
    "no destination": {"sec-fetch-dest": ""},
    "no mode": {"sec-fetch-mode": ""},
    "no site": {"sec-fetch-site": ""},
    "an image of an older browser": {"accept": "image/webp,image/png,image/*;q=0.8,*/*;q=0.5"},
    "a request of a script": {"accept": "application/json"},
    "a request of a library": {"x-requested-with": "XMLHttpRequest"},
    "a link on another site, in an older browser": {"referer": "https://evil.test/"},
    "a look-alike of our page": {"referer": f"{ORIGIN}.evil.test/"},
}
NO_METADATA = {f"sec-fetch-{name}": "" for name in ("mode", "dest", "site")}


def without_empty(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value}


def stays_signed_in(scene: Scene, headers: dict[str, str]) -> None:
    browser = scene.signed_in()
    reply = browser.get("/sign-out?return_to=/x", without_empty(headers))
    assert reply.status == 200
    assert reply.set_cookies == ()
    assert '<form method="post" action="/sign-out">' in reply.body
    assert scene.who(browser) == SUBJECT


@pytest.mark.parametrize("name", PREFETCHES)
def test_prefetched_sign_out_ends_nothing(scene: Scene, name: str) -> None:
    stays_signed_in(scene, {**HERE, **PREFETCHES[name]})


@pytest.mark.parametrize("site", ["same-origin", "none"])
@pytest.mark.parametrize("name", SUBRESOURCES)
def test_sign_out_as_a_part_of_a_page_ends_nothing(scene: Scene, name: str, site: str) -> None:
    stays_signed_in(scene, {**HERE, **SUBRESOURCES[name], "sec-fetch-site": site})


@pytest.mark.parametrize("name", INCOMPLETE)
def test_sign_out_that_may_be_anything_asks_first(scene: Scene, name: str) -> None:
    metadata = HERE if name.startswith("no ") else {**HERE, **NO_METADATA}
    stays_signed_in(scene, {**metadata, **INCOMPLETE[name]})


@pytest.mark.parametrize(
    "headers",
    [
        HERE,
        NAVIGATION,
        {},
        {"accept": "*/*"},
        {"accept": "text/html", "sec-fetch-site": "same-origin"},
        {"accept": "text/html", "referer": f"{ORIGIN}/"},
        {"accept": "text/html", "referer": ORIGIN, "origin": ORIGIN},
    ],
)
def test_sign_out_by_the_user_needs_no_question(scene: Scene, headers: dict[str, str]) -> None:
    browser = scene.signed_in()
    assert browser.get("/sign-out", headers).status == 303
    assert SESSION not in browser.jar


UNASKED = PREFETCHES | SUBRESOURCES


@pytest.mark.parametrize("name", UNASKED)
def test_sign_in_that_nobody_asked_for_writes_nothing(scene: Scene, name: str) -> None:
    browser = scene.browser()
    headers = without_empty({**NAVIGATION, **UNASKED[name]})
    for target in ("/sign-in", "/sign-in?prompt=none&return_to=/x"):
        reply = browser.get(target, headers)
        assert reply.status == 400
        assert reply.set_cookies == ()
        assert reply.headers["cache-control"] == "no-store"
    assert dump(scene.process.client, scene.process.table_name) == []
    assert "SignInFailed" not in scene.printed()


def post(browser: Witnessed, form: str) -> tuple[int, str]:
    headers = {**NAVIGATION, "sec-fetch-site": "cross-site", "origin": "https://evil.test"}
    reply = browser.post("/sign-in", headers, form)
    assert reply.set_cookies == ()
    return reply.status, reply.headers.get("location", "")


def test_hundred_and_fifty_posts_of_another_site_leave_nothing(scene: Scene) -> None:
    browser = scene.browser()
    attempt = scene.begin(browser)
    cookies, rows = browser.cookies, dump(scene.process.client, scene.process.table_name)
    for n in range(150):
        # A browser sends no `SameSite=Lax` cookie with such a post.
        other = scene.browser()
        assert post(other, f"login_hint=a{n}%40b.test")[0] == 303
        assert other.cookies == []
    assert browser.cookies == cookies
    assert dump(scene.process.client, scene.process.table_name) == rows
    assert scene.finish(attempt).status == 302


FORMS = [
    "",
    "login_hint=a%40b.test&prompt=login",
    "iss={issuer}&login_hint=a%40b.test&target_link_uri=" + quote(f"{ORIGIN}/x?a=1&b=%C3%BC#c", safe=""),
    "return_to=%2Fk%C3%A4se%3Fa%3D1%26b%3D2%23c&connector=abc&ui_locales=de_DE",
    "return_to=%2Fa%2525%2Bb&first_screen=register&organization_id=abc&x=%FF&x=%FF",
    "return_to=https%3A%2F%2Fevil.test&target_link_uri=%2Fx",
    "target_link_uri=https%3A%2F%2Fevil.test",
    "ssoConnectorId=abc&return_to=" + "%FF" * 2000,
    "return_to=/" + "a" * 2000 + "&login_hint=" + "x" * 300,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[:24])
def test_post_asks_for_what_a_get_asks_for(scene: Scene, form: str) -> None:
    form = form.format(issuer=quote(scene.provider.issuer, safe=""))
    by_get, by_post = scene.browser(), scene.browser()
    direct = by_get.get(f"/sign-in?{form}")
    status, location = post(by_post, form)
    assert status == 303
    assert location.startswith(f"{ORIGIN}/sign-in")
    assert len(location) < 8192
    forwarded = by_post.get(location, {**NAVIGATION, "sec-fetch-site": "cross-site"})
    assert (direct.status, forwarded.status) == (302, 302)
    asked = [parse_qs(urlsplit(reply.location).query) for reply in (direct, forwarded)]
    for query in asked:
        for name in ("state", "nonce", "code_challenge"):
            query.pop(name)
    assert asked[0] == asked[1]
    ends = [finished(scene, browser, reply.location) for browser, reply in
            ((by_get, direct), (by_post, forwarded))]  # fmt: skip
    assert ends[0] == ends[1]


def finished(scene: Scene, browser: Witnessed, url: str) -> str:
    asked = parse_qs(urlsplit(url).query)
    code = scene.provider.code_for(asked["nonce"][0])
    issuer = quote(scene.provider.issuer, safe="")
    return browser.get(f"/callback?state={asked['state'][0]}&code={code}&iss={issuer}").location


@pytest.mark.parametrize(
    "form",
    ["connector=a%20b", "prompt=evil", "login_hint=a&login_hint=b", "login_hint=%FF", "iss=%0d%0a",
     "login_hint=" + "x" * 400, "login_hint=" + "x" * 9000],
    ids=lambda form: form[:20],
)  # fmt: skip
def test_damaged_form_is_refused(scene: Scene, form: str) -> None:
    assert post(scene.browser(), form)[0] == 400


@pytest.mark.parametrize("named", ["query", "form"])
@pytest.mark.parametrize(
    ("target", "landed"),
    [
        ("/reports?a=1&b=2", "/reports?a=1&b=2"),
        ("/käse", "/k%C3%A4se"),
        ("https://evil.test/", "/"),
        ("//evil.test", "/"),
        ("/sign-in", "/"),
        (f"{ORIGIN}/x", "/x"),
        ("", "/"),
    ],
)
def test_after_a_sign_out_the_browser_lands_where_it_named(
    scene: Scene, named: str, target: str, landed: str
) -> None:
    browser, given = scene.signed_in(), f"return_to={quote(target, safe='')}"
    query, form = (f"?{given}", "") if named == "query" else ("", given)
    out = browser.post(f"/sign-out{query}", {"origin": ORIGIN}, form)
    assert out.status == 303
    asked = parse_qs(urlsplit(out.location).query)
    assert asked["post_logout_redirect_uri"] == [f"{ORIGIN}/signed-out"]
    state = f"?state={quote(asked['state'][0], safe='')}" if "state" in asked else ""
    back = browser.get(f"/signed-out{state}", {**NAVIGATION, "sec-fetch-site": "cross-site"})
    assert (back.status, back.location, back.set_cookies) == (302, f"{ORIGIN}{landed}", ())


@pytest.mark.parametrize(
    "state",
    ["//evil.test", "https://evil.test/", "/\\evil.test", "/sign-out", "/pass", "%FF" * 2000, "x", "",
     "/%0d%0aSet-Cookie:a=b", "/a&state=/b"],
    ids=lambda state: state[:12],
)  # fmt: skip
def test_state_that_anybody_wrote_leads_nowhere_else(scene: Scene, state: str) -> None:
    reply = scene.browser().get(f"/signed-out?state={state}")
    assert reply.status in (302, 400)
    if reply.status == 302:
        assert reply.location.startswith(f"{ORIGIN}/")
        assert "evil" not in reply.location
        assert "sign-out" not in reply.location


@pytest.mark.parametrize("named", ["query", "form", "both"])
def test_everywhere_is_read_from_query_or_form(scene: Scene, named: str) -> None:
    asking, other = scene.signed_in(), scene.signed_in()
    query = "" if named == "form" else "?everywhere=true"
    form = "" if named == "query" else "everywhere=true"
    assert asking.post(f"/sign-out{query}", {"origin": ORIGIN}, form).status == 303
    assert scene.who(other) is None


def test_link_never_ends_sessions_everywhere(scene: Scene) -> None:
    asking, other = scene.signed_in(), scene.signed_in()
    assert asking.get("/sign-out?everywhere=true", HERE).status == 303
    assert scene.who(other) == SUBJECT


def test_question_keeps_the_page_to_return_to(scene: Scene) -> None:
    browser = scene.signed_in()
    cross = {**NAVIGATION, "sec-fetch-site": "cross-site"}
    question = browser.get("/sign-out?return_to=%2Fa%22%3E%3Cb%3E", cross)
    assert '<input type="hidden" name="return_to" value="/a%22%3E%3Cb%3E">' in question.body


PICTURES = [
    f"{ORIGIN}/sign-out", f"{ORIGIN.upper()}/sign-out", f"HTTPS://{DOMAIN}:443/sign-out", f"{ORIGIN}./sign-out",
    f"{ORIGIN}:444/x", f"https://{DOMAIN.replace('.', '\u3002')}/sign-out", f"https://\uff53{DOMAIN[1:]}/sign-out",
    f"https://%73{DOMAIN[1:]}/sign-out", f"{ORIGIN}\\x/sign-out", f"https:\\\\{DOMAIN}\\sign-out",
    f"https:{DOMAIN}/sign-out", f"https:///{DOMAIN}/sign-out", f"https://a@{DOMAIN}/sign-out",
    f"ht\ttps://{DOMAIN}/sign-out", f"https://{DOMAIN[:3]}\u00ad{DOMAIN[3:]}/sign-out", "/sign-out", "sign-out",
    f"//{DOMAIN}/sign-out", "javascript:alert(1)", "http://pictures.test/a.png",
]  # fmt: skip


@pytest.mark.parametrize("picture", PICTURES, ids=ascii)
def test_picture_of_this_host_is_not_drawn(scene: Scene, picture: str) -> None:
    scene.provider.claims = lambda claims: {**claims, "picture": picture}
    browser = scene.signed_in()
    assert "<img" not in browser.get("/").body


@pytest.mark.parametrize("host", ["pictures.test", f"a.{DOMAIN}", "b\u00fccher.test"])
def test_picture_of_another_host_is_drawn(scene: Scene, host: str) -> None:
    scene.provider.claims = lambda claims: {**claims, "picture": f"https://{host}/a.png"}
    assert f'<img src="https://{host}/a.png"' in scene.signed_in().get("/").body
