"""Check rules between settings. Each rule reports its faults to the reader and raises nothing."""

import re
from typing import TYPE_CHECKING

from shared.environment import Reader
from shared.scopes import EMAIL, IDENTITIES, ORGANIZATION_URN, ORGANIZATIONS, ROLES

if TYPE_CHECKING:
    from shared.settings import Settings


_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/")


def check_together(settings: "Settings", reader: Reader, *, needs_app_secret: bool) -> None:
    """Apply every rule. Only a function that redeems codes or tokens needs the app secret."""
    _check_secrets(reader, needs_app_secret=needs_app_secret)
    _check_lifetimes(settings, reader)
    _check_scopes(settings, reader)
    _check_tenants(settings, reader)
    _check_routes(settings, reader)


def _check_secrets(reader: Reader, *, needs_app_secret: bool) -> None:
    for name in ("LOGTO_APP_SECRET", "LOGTO_WEBHOOK_SIGNING_KEY"):
        if reader.given(name) and reader.given(f"{name}_ARN"):
            reader.fault(f"{name} and {name}_ARN are both set: keep one of them")
    has_secret = reader.given("LOGTO_APP_SECRET") or reader.given("LOGTO_APP_SECRET_ARN")
    if needs_app_secret and not has_secret:
        reader.fault(
            "LOGTO_APP_SECRET_ARN is missing: set it to the ARN of the secret that holds the "
            "application's secret (or set LOGTO_APP_SECRET on a laptop)"
        )


def _check_lifetimes(settings: "Settings", reader: Reader) -> None:
    if settings.session_idle_seconds >= settings.session_absolute_seconds:
        reader.fault("SESSION_IDLE_SECONDS must be shorter than SESSION_ABSOLUTE_SECONDS")
    if 0 < settings.revalidate_seconds < 60:
        reader.fault("REVALIDATE_SECONDS must be 0 or at least 60")


def _check_scopes(settings: "Settings", reader: Reader) -> None:
    if settings.needs_entra and not settings.uses_entra:
        reader.fault(
            "LOGTO_SCOPES must contain `identities` for ALLOWED_TENANTS, ENTRA_GROUPS, "
            "ENTRA_ROLES, REVALIDATE_SECONDS or SIGN_OUT_UPSTREAM"
        )
    for name, given, scopes in (
        ("LOGTO_ORGANIZATIONS", settings.logto_organizations, {ORGANIZATIONS}),
        # Without the claim that a rule needs, no user could meet the rule.
        ("ALLOWED_ORGANIZATIONS", settings.allowed_organizations, {ORGANIZATIONS}),
        ("ALLOWED_ROLES", settings.allowed_roles, {ROLES, IDENTITIES}),
        ("ALLOWED_EMAIL_DOMAINS", settings.allowed_email_domains, {EMAIL}),
    ):
        if given and not scopes & set(settings.logto_scopes):
            needed = " or ".join(f"`{each}`" for each in sorted(scopes))
            reader.fault(f"LOGTO_SCOPES must contain {needed} for {name}")


def _check_tenants(settings: "Settings", reader: Reader) -> None:
    """Require tenants in mappings: another directory may have an app role of the same value."""
    if len(settings.allowed_tenants) == 1:
        return
    for name, mapped in (
        ("ENTRA_GROUPS", settings.entra_groups),
        ("ENTRA_ROLES", settings.entra_roles),
    ):
        if any(not _TENANT.match(value) for value in mapped):
            reader.fault(
                f"{name} must name each tenant, as <tenant id>/<id or value>=<short name>, unless "
                "ALLOWED_TENANTS names exactly one"
            )


def _check_routes(settings: "Settings", reader: Reader) -> None:
    organizations = {ORGANIZATION_URN + name for name in settings.logto_organizations}
    if set(settings.access_token_routes.values()) - organizations - set(settings.logto_resources):
        reader.fault(
            "ACCESS_TOKEN_ROUTES names a resource that is neither in LOGTO_RESOURCES nor "
            "urn:logto:organization: followed by one of LOGTO_ORGANIZATIONS"
        )
