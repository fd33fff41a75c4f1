"""Texts of people: what the product refuses, `setup` refuses before it changes anything."""

import re

import pytest

from local.template import read_template
from provision.desired import FORBIDDEN_DOMAINS
from shared.environment import declarations
from shared.settings import Settings
from tests.provision.operators import CommandResult, Operator, contoso, refused, state
from tests.support.up import ROOT

BRAND_NAME = declarations(Settings)["BRAND_NAME"].kind
GOOD_NAMES = {
    "ideographic space": "東京　ポータル",
    "no-break space": "L'été\u00a0chaud",
    "emoji with joiners": "Team 👩\u200d💻",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Arabic with a mark": "بوابة\u200f 24",
    "soft hyphen": "Donau\u00addampf",
    "80 characters": "x" * 80,
    "quotes and dollars": """It's "$HOME" & <b>""",
}
BAD_NAMES = {
    "line break": "two\nlines",
    "tab": "a\tb",
    "line separator": "a\u2028b",
    "override": "a\u202eb",
    "isolate": "a\u2066b",
    "escape": "a\x1b[31mb",
    "C1 control": "a\x85b",
    "byte order mark": "a\ufeffb",
    "81 characters": "x" * 81,
}


def named(operator: Operator, name: str) -> CommandResult:
    return operator.setup("--name", name)


@pytest.mark.parametrize("case", GOOD_NAMES)
def test_product_starts_with_a_name_that_setup_accepts(operator: Operator, case: str) -> None:
    name = GOOD_NAMES[case]
    assert named(operator, name).code == 0
    (application,) = operator.tenant.applications.values()
    assert application.name == BRAND_NAME(name) == name
    assert named(operator, name).out.startswith("Nothing to change.")


@pytest.mark.parametrize("case", BAD_NAMES)
def test_setup_refuses_a_name_that_the_product_refuses(operator: Operator, case: str) -> None:
    before = state(operator.tenant)
    with pytest.raises(ValueError, match="at most 80 characters"):
        BRAND_NAME(BAD_NAMES[case])
    refused(named(operator, BAD_NAMES[case]), "--name must be at most 80 characters")
    refused(operator.setup("--display-name", BAD_NAMES[case]), "--display-name must be")
    assert state(operator.tenant) == before
    assert list(operator.root.iterdir()) == []


@pytest.mark.parametrize("text", ["", "  ", "\u3000"])
def test_setup_refuses_an_empty_text(operator: Operator, text: str) -> None:
    for option in ("--name", "--display-name", "--logo-url"):
        refused(operator.setup(option, text), f"{option} is empty")


@pytest.mark.parametrize("case", [*GOOD_NAMES, *BAD_NAMES])
def test_template_takes_the_same_names(case: str) -> None:
    name = {**GOOD_NAMES, **BAD_NAMES}[case]
    parameter = read_template(ROOT / "template.yaml")["Parameters"]["BrandName"]
    fits = len(name) <= parameter["MaxLength"]
    matches = re.fullmatch(parameter["AllowedPattern"], name) is not None
    assert (fits and matches) is (case in GOOD_NAMES)


@pytest.mark.parametrize(
    "url", ["http://a.test/logo.png", "javascript:x", "https://a.test/é.png", "logo.png"]
)
def test_setup_refuses_a_logo_that_pages_cannot_show(operator: Operator, url: str) -> None:
    before = state(operator.tenant)
    refused(operator.setup("--logo-url", url), "--logo-url ")
    assert state(operator.tenant) == before


BAD_SETTINGS = {
    "BRAND_ACCENT_COLOUR": "blue",
    "BRAND_LOGO_URL": "http://a.test/logo.png",
    "LOGTO_SCOPES": 'email "roles"',
    "ALLOWED_EMAIL_DOMAINS": "Contoso.com",
    "LOGTO_RESOURCES": "orders",
    "SESSION_IDLE_SECONDS": "1h",
    "LOGTO_ORGANIZATIONS": "org 1!",
    "BRAND_NAME": "a\u202eb",
    "REVALIDATE_SECONDS": "600",  # without the scope `identities`
}


@pytest.mark.parametrize("variable", BAD_SETTINGS)
def test_setup_refuses_settings_with_which_the_product_does_not_start(
    operator: Operator, variable: str
) -> None:
    before = state(operator.tenant)
    text = f"{variable}='{BAD_SETTINGS[variable]}'\n"
    (operator.root / ".env").write_text(text)
    refused(operator.setup(), "does not start with the settings in", ".env", variable)
    assert state(operator.tenant) == before
    assert operator.env() == text


@pytest.mark.parametrize("domain", sorted(FORBIDDEN_DOMAINS))
def test_setup_refuses_every_domain_that_logto_forbids(operator: Operator, domain: str) -> None:
    for spelled in (domain, f"@{domain.upper()}.", f" {domain.title()} "):
        refused(operator.setup("--domain", spelled), f"{domain} is a public mail domain")
    assert operator.tenant.applications == {}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("CONTOSO.com", "contoso.com"),
        ("@contoso.com", "contoso.com"),
        ("contoso.com.", "contoso.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("München.DE", "xn--mnchen-3ya.de"),
        ("почта。рф", "xn--80a1acny.xn--p1ai"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
    ],
)
def test_setup_stores_a_domain_as_mail_servers_write_it(
    operator: Operator, written: str, stored: str
) -> None:
    where = [*operator.where(), *operator.entra_options()]
    result = operator.run("setup", *where, *contoso(**{"--domain": written}))
    assert result.code == 0, result.err
    (connector,) = operator.tenant.connectors.values()
    assert connector.domains == (stored,)


@pytest.mark.parametrize(
    "domain", ["-a.com", "a-.com", "a..com", ".com", "a.c", "a_b.com", "1.2.3.4", "xn--.com", "a b"]
)
def test_setup_refuses_what_is_not_a_domain(operator: Operator, domain: str) -> None:
    result = operator.setup("--domain", domain)
    refused(result, "is not a valid domain", "--domain")
    assert operator.tenant.applications == {}


def test_a_domain_that_another_connector_has_is_told_in_the_plan(operator: Operator) -> None:
    operator.setup("--no-trust-unverified-email")
    shared = ("--domain", "contoso.com")
    for more in (("--dry-run",), ()):
        result = operator.add("--json", *shared, *more)
        assert result.code == 0, result.err
        (warning,) = result.json["warnings"]
        assert "entra-contoso (contoso00001) has the domain contoso.com too" in warning
    assert operator.setup("--no-trust-unverified-email", "--json").json["warnings"]
