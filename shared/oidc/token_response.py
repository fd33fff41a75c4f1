"""Parse the response of a token endpoint (RFC 6749 section 5). It is untrusted."""

from collections.abc import Mapping
from typing import Any

from shared.errors import (
    CONFIGURATION_ERRORS,
    ClientRefused,
    ConfigurationRefused,
    GrantRefused,
    ProviderMisbehaved,
)
from shared.oidc.http_client import Response
from shared.oidc.provider import read_document
from shared.parsing.strict_json import parse_json_object

MAX_EXPIRES_IN = 86_400
MIN_EXPIRES_IN = 10
"""Minimum lifetime: with a shorter one, every request would refresh the token."""
DEFAULT_EXPIRES_IN = 300
"""Assumed lifetime of an access token in seconds, if the response has no `expires_in`."""


def oauth_error(response: Response) -> str | None:
    """Return the `error` of an OAuth error response, None for a success."""
    if response.status == 200:
        return None
    try:
        error = parse_json_object(response.body).get("error")
    except ValueError:
        error = None
    return error if isinstance(error, str) else "unknown"


def read_tokens(response: Response) -> dict[str, Any]:
    """Return the members of a token response that are used, None for those that it lacks.

    Raises GrantRefused, ClientRefused, ConfigurationRefused and ProviderMisbehaved.
    """
    error = oauth_error(response)
    if error == "invalid_grant":
        raise GrantRefused("the provider does not accept the grant")
    if error == "invalid_client":
        raise ClientRefused("the provider refuses LOGTO_APP_ID or its secret")
    if error is not None:
        if error in CONFIGURATION_ERRORS:
            raise ConfigurationRefused(error)
        raise ProviderMisbehaved(f"the token endpoint answered with status {response.status}")
    body = read_document(response)
    if str(body.get("token_type", "")).lower() != "bearer":
        raise ProviderMisbehaved("the token response is not of type Bearer")
    access_token = _token(body, "access_token")
    if access_token is None:
        raise ProviderMisbehaved("the token response has no `access_token`")
    return {
        "access_token": access_token,
        "expires_in": _lifetime(body.get("expires_in")),
        "refresh_token": _token(body, "refresh_token"),
        "id_token": _token(body, "id_token"),
        "scope": body["scope"] if isinstance(body.get("scope"), str) else None,
    }


def _token(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise ProviderMisbehaved(f"`{name}` of the token response is not a token")
    return value


def _lifetime(value: Any) -> int:
    """Return `expires_in` in whole seconds, clamped to a sensible range."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return DEFAULT_EXPIRES_IN
    return int(max(MIN_EXPIRES_IN, min(value, MAX_EXPIRES_IN)))
