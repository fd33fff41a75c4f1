"""Names of Logto's scopes."""

EMAIL, ROLES = "email", "roles"
ORGANIZATIONS = "urn:logto:scope:organizations"
IDENTITIES = "identities"
"""The scope with which userinfo includes what Entra says of a user."""
DEFAULT_SCOPES = (
    EMAIL,
    ROLES,
    ORGANIZATIONS,
    "urn:logto:scope:organization_roles",
)
"""Scopes to ask for besides `openid`, `offline_access` and `profile`, which the SDK always adds."""
ORGANIZATION_URN = "urn:logto:organization:"
"""Followed by an organization's id: the audience of its tokens."""
