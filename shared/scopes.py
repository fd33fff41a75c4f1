"""Names of Logto's scopes."""

EMAIL, ROLES = "email", "roles"
ORGANIZATIONS = "urn:logto:scope:organizations"
IDENTITIES = "identities"
"""The scope with which userinfo includes Entra's claims about a user."""
DEFAULT_SCOPES = (EMAIL, ROLES, ORGANIZATIONS, "urn:logto:scope:organization_roles")
"""Default scopes besides `openid`, `offline_access` and `profile`, which the SDK always adds."""
ORGANIZATION_URN = "urn:logto:organization:"
"""The prefix of an organization's id in the audience of its tokens."""
