"""The members of an application at Entra: what they have to be, whatever others added.

Source: Microsoft's reference of the application resource (tags, optionalClaims,
groupMembershipClaims, requiredResourceAccess).
"""

from typing import Any, Final

from provision.desired import AUDIENCE, Customer
from provision.json_api import Json

_GRAPH: Final = "00000003-0000-0000-c000-000000000000"
_DELEGATED: Final = (
    "37f7f235-527c-4136-accd-4a02d197296e",  # openid
    "14dad69e-099b-42c9-810b-d002981feec1",  # profile
    "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",  # email
)


def differing_members(found: Json, customer: Customer, *, tag: str) -> dict[str, Any]:
    """Return the members that the application does not have as it needs them."""
    members = members_of(found, customer, tag=tag)
    return {name: value for name, value in members.items() if found.get(name) != value}


def members_of(found: Json, customer: Customer, *, tag: str) -> dict[str, Any]:
    """Return the members that the application needs, including everything that others added.

    `tag` is that of the deployment.
    """
    tags = found.get("tags") or []
    members: dict[str, Any] = {
        "tags": tags if tag in tags else [*tags, tag],
        "signInAudience": customer.audience or found.get("signInAudience") or AUDIENCE,
        "optionalClaims": _with_email(found.get("optionalClaims") or {}),
        "requiredResourceAccess": _with_permissions(found.get("requiredResourceAccess") or []),
    }
    if customer.group_claims and found.get("groupMembershipClaims") in (None, "None"):
        members["groupMembershipClaims"] = "SecurityGroup"
    return members


def _with_email(claims: Json) -> Json:
    existing = claims.get("idToken") or []
    if any(claim.get("name") == "email" for claim in existing):
        return claims
    # Graph fills in every member; with all of them here, a second run finds no difference.
    email: Json = {"name": "email", "source": None, "essential": False, "additionalProperties": []}
    return {"accessToken": [], "saml2Token": [], **claims, "idToken": [*existing, email]}


def _with_permissions(access: list[Json]) -> list[Json]:
    existing = next((one for one in access if one.get("resourceAppId") == _GRAPH), None)
    granted = list(existing.get("resourceAccess", [])) if existing else []
    missing = [one for one in _DELEGATED if one not in [grant.get("id") for grant in granted]]
    if not missing:
        return access
    grants = [*granted, *({"id": one, "type": "Scope"} for one in missing)]
    others = [one for one in access if one is not existing]
    return [*others, {"resourceAppId": _GRAPH, "resourceAccess": grants}]
