"""Errors of the OAuth endpoints, as Logto writes them: with its own `code` and `message`.

Refusal             an error that is answered as JSON
RedirectedRefusal   an error of an authorization request, which the application receives
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_MESSAGES: Final = {
    "access_denied": "Access denied.",
    "consent_required": "Consent is required.",
    "insufficient_scope": "The token lacks a scope that is needed.",
    "interaction_required": "Interaction is required.",
    "invalid_client": "The client is invalid.",
    "invalid_grant": "The grant is invalid.",
    "invalid_redirect_uri": "The `redirect_uri` is not one that the client registered.",
    "invalid_request": "The request is invalid.",
    "invalid_target": "The resource indicator is invalid.",
    "invalid_token": "The token is invalid.",
    "login_required": "A sign-in is required.",
    "unauthorized_client": "The client may not do this.",
    "unsupported_grant_type": "The grant type is not supported.",
    "unsupported_response_type": "The response type is not supported.",
}


class Refusal(Exception):
    """A refused request; `error` is the OAuth error code."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    @property
    def body(self) -> dict[str, str]:
        return {
            "code": f"oidc.{self.error}",
            "message": _MESSAGES[self.error],
            "error": self.error,
            "error_description": self.description,
            "error_uri": f"https://openid.sh/debug/{self.error}",
        }


class RedirectedRefusal(Exception):
    """A refused authorization request whose client and redirect URI are valid."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


async def answer_refusal(request: Request, refusal: Exception) -> Response:
    """Answer with JSON, and with a challenge if a token is refused (RFC 6750 section 3)."""
    if not isinstance(refusal, Refusal):
        raise refusal
    headers = {"cache-control": "no-store"}
    if refusal.error == "invalid_token":
        headers["www-authenticate"] = f'Bearer error="invalid_token", realm="{request.url.netloc}"'
    elif refusal.status == 401:
        headers["www-authenticate"] = f'Basic realm="{request.url.netloc}"'
    return JSONResponse(refusal.body, refusal.status, headers)
