"""Provider metadata and keys."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.logto.state import StandInState

SCOPES: Final = (
    "openid",
    "offline_access",
    "profile",
    "email",
    "phone",
    "address",
    "custom_data",
    "identities",
    "roles",
    "urn:logto:scope:organizations",
    "urn:logto:scope:organization_roles",
)
_CLAIMS: Final = (
    "sub",
    "name",
    "picture",
    "updated_at",
    "username",
    "created_at",
    "email",
    "email_verified",
    "roles",
    "organizations",
    "organization_roles",
    "organization_data",
    "custom_data",
    "identities",
    "sso_identities",
    "sid",
    "auth_time",
    "iss",
)
_CLIENT_AUTHENTICATION: Final = (
    "client_secret_basic",
    "client_secret_jwt",
    "client_secret_post",
    "private_key_jwt",
    "none",
)


def metadata(state: StandInState) -> dict[str, object]:
    """Make the discovery document (OpenID Connect Discovery 1.0 section 3)."""
    issuer = state.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/me",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/session/end",
        "revocation_endpoint": f"{issuer}/token/revocation",
        "introspection_endpoint": f"{issuer}/token/introspection",
        "pushed_authorization_request_endpoint": f"{issuer}/request",
        "device_authorization_endpoint": f"{issuer}/device/auth",
        "scopes_supported": SCOPES,
        "claims_supported": _CLAIMS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": state.keys.algorithms(),
        "token_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claim_types_supported": ["normal"],
    }


async def _configuration(request: Request) -> Response:
    return JSONResponse(metadata(request.app.state.stand_in))


async def _jwks(request: Request) -> Response:
    state: StandInState = request.app.state.stand_in
    return JSONResponse(state.keys.published(), media_type="application/jwk-set+json")


routes = [
    Route("/oidc/.well-known/openid-configuration", _configuration),
    Route("/oidc/jwks", _jwks),
]
