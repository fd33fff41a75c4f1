"""Claims of a user by scope: those of the ID token, and those that only `/me` has."""

from typing import Any

from local.logto.state import Grant, StandInState
from local.logto.tenant import Tenant, User

ORGANIZATIONS = "urn:logto:scope:organizations"
ORGANIZATION_ROLES = "urn:logto:scope:organization_roles"


def user_claims(user: User, scopes: tuple[str, ...], tenant: Tenant) -> dict[str, Any]:
    """Make the claims of both the ID token and `/me`; unknown ones are null."""
    claims: dict[str, Any] = {"sub": user.id}
    if "profile" in scopes:
        claims |= {
            "name": user.name,
            "picture": user.picture,
            "updated_at": user.updated_at,
            "username": user.username,
            "created_at": user.created_at,
        }
    if "email" in scopes:
        email = tenant.email_of(user)
        claims |= {"email": email, "email_verified": email is not None}
    if "roles" in scopes:
        claims["roles"] = list(user.roles)
    joined = [o for o in tenant.organizations.values() if user.id in o.members]
    if ORGANIZATIONS in scopes:
        claims["organizations"] = [organization.id for organization in joined]
    if ORGANIZATION_ROLES in scopes:
        claims["organization_roles"] = [
            f"{organization.id}:{role}"
            for organization in joined
            for role in organization.members[user.id]
        ]
    return claims


def id_token(grant: Grant, state: StandInState) -> str:
    """Sign an ID token, without `at_hash`. Refreshed ones contain the nonce too."""
    now = int(state.clock())
    claims = user_claims(state.tenant.users[grant.user_id], grant.scopes, state.tenant)
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if state.tenant.applications[grant.client_id].backchannel_logout_session_required:
        claims["sid"] = grant.sid
    if grant.auth_time is not None:
        claims["auth_time"] = grant.auth_time
    claims |= {
        "aud": grant.client_id,
        "exp": now + state.tenant.token_seconds,
        "iat": now,
        "iss": state.issuer,
    }
    return state.keys.sign(claims)


def userinfo(user: User, scopes: tuple[str, ...], tenant: Tenant) -> dict[str, Any]:
    """Make the claims of `/me`."""
    claims = user_claims(user, scopes, tenant)
    if "custom_data" in scopes:
        claims["custom_data"] = {}
    if "identities" in scopes:
        claims["identities"] = {}
        claims["sso_identities"] = _sso_identities(user, tenant)
    if ORGANIZATIONS in scopes:
        claims["organization_data"] = [
            {
                "id": organization.id,
                "name": organization.name,
                "description": organization.description,
            }
            for organization in tenant.organizations.values()
            if user.id in organization.members
        ]
    return claims


def _sso_identities(user: User, tenant: Tenant) -> list[dict[str, Any]]:
    """List the stored identities. How this sign-in happened makes no difference to them."""
    return [
        {
            "issuer": identity.issuer,
            "identityId": identity.identity_id,
            "detail": dict(identity.detail),
        }
        for connector, identity in user.sso_identities.items()
        if connector in tenant.connectors
    ]
