"""Decide who may sign in: a user must meet each `ALLOWED_*` setting by one of its words."""

from collections.abc import Mapping
from typing import Any

from functions.auth.entra_claims import EntraUser
from shared.errors import NotAllowed
from shared.parsing.strict_json import texts
from shared.settings import Settings


def check_rules(claims: Mapping[str, Any], entra: EntraUser, settings: Settings) -> None:
    """Check ID token claims. Raises NotAllowed, which names the setting that is not met."""
    if settings.allowed_tenants and entra.tenant_id not in settings.allowed_tenants:
        raise NotAllowed("ALLOWED_TENANTS does not allow this user")
    organizations = set(texts(claims.get("organizations")))
    if settings.allowed_organizations and not organizations & set(settings.allowed_organizations):
        raise NotAllowed("ALLOWED_ORGANIZATIONS does not allow this user")
    roles = {*texts(claims.get("roles")), *entra.groups}
    if settings.allowed_roles and not roles & set(settings.allowed_roles):
        raise NotAllowed("ALLOWED_ROLES does not allow this user")
    if settings.allowed_email_domains and _domain(claims) not in settings.allowed_email_domains:
        raise NotAllowed("ALLOWED_EMAIL_DOMAINS does not allow this user")


def _domain(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    local, separator, domain = email.rpartition("@")
    # More than one `@` is a quoted local part or an attempt to look like another domain.
    return domain.lower() if separator and local and "@" not in local else None
