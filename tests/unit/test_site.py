"""The origin: from the settings or from API Gateway itself, never from a header."""

import pytest

from shared.errors import Misconfigured
from shared.web.base_url import site_of

pytestmark = pytest.mark.invariant(18)


@pytest.mark.parametrize(
    ("context", "base_url"),
    [
        ({"domainName": "signin.example.test", "stage": "$default"}, "https://signin.example.test"),
        ({"domainName": "SignIn.example.test"}, "https://signin.example.test"),
        (
            {"domainName": "abc.execute-api.eu-central-1.amazonaws.com", "stage": "prod"},
            "https://abc.execute-api.eu-central-1.amazonaws.com/prod",
        ),
        ({"domainName": "signin.example.test", "stage": "prod"}, "https://signin.example.test"),
    ],
)
def test_base_url_is_api_gateways_own_domain(context: dict[str, str], base_url: str) -> None:
    site = site_of(None, context)
    assert site.base_url == base_url
    assert site.redirect_uri == f"{base_url}/callback"
    assert site.home_uri == f"{base_url}/"
    assert site.signed_out_uri == f"{base_url}/signed-out"


def test_configured_base_url_wins_over_the_domain() -> None:
    site = site_of("https://login.example.test/auth", {"domainName": "other.test"})
    assert (site.origin, site.root) == ("https://login.example.test", "/auth")


@pytest.mark.parametrize(
    "domain", [None, "", 5, "a b", "evil.test/path", "evil.test:443@x", "a\n", "-", "x" * 300]
)
def test_context_without_a_valid_domain_is_misconfigured(domain: object) -> None:
    with pytest.raises(Misconfigured, match="BASE_URL"):
        site_of(None, {"domainName": domain})


@pytest.mark.parametrize(
    ("base_url", "secure"),
    [
        ("http://localhost:3000", False),
        ("http://127.0.0.1:3000", False),
        ("https://localhost:3000", True),
        ("https://signin.example.test", True),
    ],
)
def test_cookies_are_secure_except_on_plain_loopback(base_url: str, secure: bool) -> None:
    assert site_of(base_url, {}).cookies.secure is secure
