"""People's text: names and roles in any script and with any separator."""

import json
import unicodedata
from html import escape

import pytest

from harness.browser import FETCH
from harness.functions import started_authorizer
from tests.hostile.scene import Scene

SPACES = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in ("Zs", "Zl", "Zp")]
SEPARATORS = [*SPACES, "\t", "\n", "\v", "\f", "\r", "\x85", "\x1c", "\x1f", "\r\n"]
JOINED = [
    "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0995\u09cd\u200d\u09af",
    "\U0001f469\u200d\U0001f4bb",
    "O\u2019Brien",
    "Jos\u0065\u0301",
]


def named(scene: Scene, name: str) -> str | None:
    scene.provider.claims = lambda claims: {**claims, "name": name}
    browser = scene.signed_in()
    shown: str | None = json.loads(browser.get("/me", FETCH).body)["name"]
    if shown is not None:
        assert f"<bdi>{escape(shown)}</bdi>" in browser.get("/").body.replace("&#39;", "&#x27;")
    return shown


def test_every_separator_in_a_name_becomes_one_plain_space(scene: Scene) -> None:
    name = "x".join(SEPARATORS)
    assert named(scene, f" \u3000{name}\u2029\n") == " ".join("x" * (len(SEPARATORS) - 1))


@pytest.mark.parametrize("name", JOINED, ids=ascii)
def test_letters_and_joiners_of_a_name_stay(scene: Scene, name: str) -> None:
    assert named(scene, name) == name


def test_controls_and_overrides_of_a_name_go(scene: Scene) -> None:
    removed = "\x00\x07\x1b\x7f\x80\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert named(scene, f"A{removed}da {removed} L") == "Ada L"
    assert named(scene, f" {removed}\t") is None


def test_name_is_cut_to_a_length(scene: Scene) -> None:
    assert named(scene, "\u00e4" * 600) == "\u00e4" * 500


ROLES = ["Team\u00a0Lead", "a\u2003b", "\u0631\u0626\u06cc\u0633\u200c\u0647\u0627", "x\u2028y", "tab\there", "\u202eadmin"]  # fmt: skip


def test_role_is_passed_on_as_it_is_and_shown_clean(scene: Scene) -> None:
    listed = {
        "roles": ROLES,
        "organizations": ["o\u00a0g"],
        "organization_roles": ["o\u00a0g:a\u00a0b"],
    }
    scene.provider.claims = lambda claims: {**claims, **listed}
    browser = scene.signed_in()
    identity = json.loads(browser.get("/me", FETCH).body)
    assert {name: identity[name] for name in listed} == listed
    page = browser.get("/").body
    for shown in ("Team Lead", "a b", ROLES[2], "x y", "tab here", "admin", "o g"):
        assert f">{shown}</bdi>" in page
    with started_authorizer(scene.process) as authorizer:
        context = authorizer.ask(browser)
    assert context is not None
    assert context["roles"] == [*ROLES[:4], "tab\ufffdhere", ROLES[5]]
    assert context["organizations"] == ["o\u00a0g"]
