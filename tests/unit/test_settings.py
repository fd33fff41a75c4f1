"""The settings: what is accepted, and errors that name the variable and never its value."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.environment import declarations
from shared.errors import SettingsInvalid
from shared.scopes import DEFAULT_SCOPES
from shared.settings import Settings

GOOD = {
    "LOGTO_ENDPOINT": "https://tenant.logto.app/",
    "LOGTO_APP_ID": "app",
    "LOGTO_APP_SECRET": "canary-secret",
    "TABLE_NAME": "sessions",
}

TENANT = "11111111-1111-4111-8111-111111111111"


def test_omitted_settings_have_their_defaults() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.logto_endpoint == "https://tenant.logto.app"
    assert settings.logto_scopes == DEFAULT_SCOPES
    assert settings.session_idle_seconds < settings.session_absolute_seconds
    assert settings.base_url is None


def outcome(environment: dict[str, str]) -> Settings | str:
    try:
        return Settings.from_environment(environment)
    except SettingsInvalid as fault:
        return str(fault)


@pytest.mark.parametrize("name", declarations(Settings))
def test_empty_variable_counts_as_absent_except_for_scopes(name: str) -> None:
    """`LOGTO_SCOPES=""` asks for no scopes; no other default is a list with something in it."""
    good = {**GOOD, "LOGTO_APP_SECRET_ARN": "", "LOGTO_WEBHOOK_SIGNING_KEY": ""}
    without = {each: value for each, value in good.items() if each != name}
    absent, *empty = (
        outcome(environment)
        for environment in (without, {**without, name: ""}, {**without, name: " "})
    )
    if isinstance(absent, Settings) and name == "LOGTO_SCOPES":
        absent = dataclasses.replace(absent, logto_scopes=())
    assert empty == [absent, absent]


def test_settings_cannot_be_changed() -> None:
    settings = Settings.from_environment(GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.table_name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.entra_groups["a"] = "b"  # type: ignore[index]
    assert not hasattr(settings, "__dict__")


@pytest.mark.parametrize("name", ["LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY"])
def test_repr_shows_no_secret(name: str) -> None:
    settings = Settings.from_environment({**GOOD, name: "canary-value"})
    assert settings == dataclasses.replace(settings)
    assert "canary-value" not in repr(settings)


def test_invalid_url_is_not_quoted_in_the_error() -> None:
    for url in ("https://host:canary-word", "https://[canary-word]", "https://canary-word]"):
        with pytest.raises(SettingsInvalid) as caught:
            Settings.from_environment({**GOOD, "LOGTO_ENDPOINT": url})
        assert "LOGTO_ENDPOINT is not an absolute URL" in str(caught.value)
        assert "canary" not in str(caught.value)


def test_setting_with_several_invalid_values_is_named_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_environment({**GOOD, "LOGTO_RESOURCES": "one two three"})
    assert str(caught.value).count("LOGTO_RESOURCES") == 1


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:3100", "http://127.0.0.1:1", "http://host.docker.internal:3100"]
)
def test_plain_http_is_accepted_for_this_machine(endpoint: str) -> None:
    assert (
        Settings.from_environment({**GOOD, "LOGTO_ENDPOINT": endpoint}).logto_endpoint == endpoint
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOGTO_ENDPOINT", ""),
        ("LOGTO_ENDPOINT", "tenant.logto.app"),
        ("LOGTO_ENDPOINT", "http://tenant.logto.app"),
        ("LOGTO_ENDPOINT", "https://user:pass@tenant.logto.app"),  # pragma: allowlist secret
        ("LOGTO_ENDPOINT", "https://tenant.logto.app/?a=b"),
        ("LOGTO_ENDPOINT", "https://tenant.logto.app:99999"),
        ("LOGTO_ENDPOINT", "https://tenant.logto.app/oidc"),
        ("LOGTO_ENDPOINT", "https://tenant.logto.app/oidc/"),
        ("LOGTO_ENDPOINT", "https://tenant.logto.app//"),
        ("LOGTO_ENDPOINT", "https://tenant.logto.app\\@evil.example"),
        ("LOGTO_APP_ID", ""),
        ("LOGTO_APP_ID", "an id with spaces"),
        ("LOGTO_APP_SECRET", "two\nlines"),
        ("LOGTO_APP_SECRET_ARN", "not-an-arn"),
        ("TABLE_NAME", ""),
        ("TABLE_NAME", "a"),
        ("BASE_URL", "http://example.com"),
        ("BASE_URL", "https://example.com/#x"),
        ("SESSION_IDLE_SECONDS", "soon"),
        ("SESSION_IDLE_SECONDS", "-1"),
        ("SESSION_IDLE_SECONDS", "1e3"),
        ("SESSION_IDLE_SECONDS", "٣٦٠٠"),
        ("SESSION_IDLE_SECONDS", "43200"),
        ("SESSION_ABSOLUTE_SECONDS", "99999999999999999999"),
        ("REVALIDATE_SECONDS", "0000000000009999999"),
        ("LOGTO_SCOPES", 'email "quoted"'),
        ("LOGTO_RESOURCES", "no-uri"),
        ("LOGTO_RESOURCES", "https://api.example.com/#part"),
        ("LOGTO_DEFAULT_CONNECTOR", "../x"),
        ("BRAND_NAME", "x" * 81),
        ("BRAND_LOGO_URL", "http://example.com/logo.svg"),
        ("BRAND_LOGO_URL", "javascript:alert(1)"),
        ("BRAND_ACCENT_COLOUR", "red"),
        ("BRAND_ACCENT_COLOUR", "#000000;}"),
    ],
)
def test_invalid_value_is_refused_with_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_environment({**GOOD, name: value})
    assert name in str(caught.value)
    assert "canary-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "scopes"),
    [
        ("ALLOWED_TENANTS", "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de", "email roles"),
        ("ALLOWED_ORGANIZATIONS", "org1", "email roles"),
        ("ALLOWED_ROLES", "buyer", "email"),
        ("ALLOWED_EMAIL_DOMAINS", "contoso.com", "roles"),
        ("ENTRA_GROUPS", f"{TENANT}/7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de=staff", "email roles"),
        ("ENTRA_ROLES", f"{TENANT}/Sales=sales", "email roles"),
        ("REVALIDATE_SECONDS", "3600", "email roles"),
        ("LOGTO_ORGANIZATIONS", "org1", "email roles"),
    ],
)
def test_setting_that_needs_a_scope_is_refused_without_it(
    name: str, value: str, scopes: str
) -> None:
    """Without it a rule would exclude everybody, and the other settings would have no effect."""
    with pytest.raises(SettingsInvalid, match=f"LOGTO_SCOPES must contain .*{name}"):
        Settings.from_environment({**GOOD, name: value, "LOGTO_SCOPES": scopes})
    every = "email roles identities urn:logto:scope:organizations"
    Settings.from_environment({**GOOD, name: value, "LOGTO_SCOPES": every})


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_environment({})
    text = str(caught.value)
    assert all(
        name in text
        for name in ("LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET_ARN", "TABLE_NAME")
    )


def test_secret_and_its_arn_together_are_refused() -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"
    with pytest.raises(SettingsInvalid, match="keep one"):
        Settings.from_environment({**GOOD, "LOGTO_APP_SECRET_ARN": arn})


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf",
        "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/sign-in/app-secret",
    ],
)
def test_arn_of_a_secret_is_accepted(arn: str) -> None:
    environment = {**GOOD, "LOGTO_APP_SECRET": "", "LOGTO_APP_SECRET_ARN": arn}
    assert Settings.from_environment(environment).logto_app_secret_arn == arn


_NAMES = st.sampled_from(list(declarations(Settings)))
_VALUES = st.text(max_size=40) | st.sampled_from(
    ["https://a.test", "http://localhost:3000", "60", "-1", "#123456", "a b", "https://a.test/?x"]
)


@given(st.dictionaries(_NAMES, _VALUES))
def test_any_environment_is_accepted_or_refused_without_showing_the_secret(
    chosen: dict[str, str],
) -> None:
    marked = "marked-" + chosen.get("LOGTO_APP_SECRET", "")
    environment = {**chosen, "LOGTO_APP_SECRET": marked}
    settings, told = None, ""
    try:
        settings = Settings.from_environment(environment)
    except SettingsInvalid as refused:
        told = str(refused)
    assert "marked-" not in told
    if settings is None:
        assert all(fault.split()[0] in declarations(Settings) for fault in told.split("; "))
    else:
        assert "marked-" not in repr(settings)
        assert settings.session_idle_seconds < settings.session_absolute_seconds


@pytest.mark.parametrize("name", ["ENTRA_GROUPS", "ENTRA_ROLES"])
@pytest.mark.parametrize(
    ("tenants", "qualified", "accepted"),
    [
        ("", False, False),
        ("", True, True),
        (TENANT, False, True),
        (TENANT, True, True),
        (f"{TENANT} 22222222-2222-4222-8222-222222222222", False, False),
        (f"{TENANT} 22222222-2222-4222-8222-222222222222", True, True),
    ],
)
def test_mapping_names_its_tenant_if_more_than_one_can_sign_in(
    name: str, tenants: str, qualified: bool, accepted: bool
) -> None:
    value = "7f3c1f0e-52a1-4d7e-9a40-0d5c64d7c0de"
    mapped = {name: f"{f'{TENANT}/' if qualified else ''}{value}=staff"}
    environment = {**GOOD, **mapped, "ALLOWED_TENANTS": tenants, "LOGTO_SCOPES": "identities"}
    if accepted:
        Settings.from_environment(environment)
        return
    with pytest.raises(SettingsInvalid, match=f"{name} must name each tenant"):
        Settings.from_environment(environment)
