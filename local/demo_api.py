"""A small API behind the relay: it checks the access token of a request, and answers its claims.

It reads the token from `X-Forwarded-Access-Token`, where API Gateway puts it, or from a client's
own `Authorization: Bearer`.
"""

import time
from typing import Any, Final

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN_HEADER: Final = "x-forwarded-access-token"  # noqa: S105 - its name, not a token
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ALGORITHMS: Final = ["ES384", "RS256"]


class _Refused(Exception):
    """An access token is refused; the text says why."""


class Tokens:
    """Checks the access tokens of a Logto server for some resources."""

    def __init__(self, logto_endpoint: str, resources: tuple[str, ...]) -> None:
        self._issuer = f"{logto_endpoint}/oidc"
        self._resources = resources
        self._keys: KeySet | None = None

    async def claims(self, token: str) -> dict[str, Any]:
        """Check a token; its claims. Raises _Refused."""
        try:
            decoded = await self._decoded(token)
        except (JoseError, ValueError):
            raise _Refused("the token is not signed by Logto") from None
        claims = decoded.claims
        if str(decoded.header.get("typ", "")).lower() != "at+jwt":
            raise _Refused("the token is not an access token")
        if claims.get("iss") != self._issuer or claims.get("aud") not in self._resources:
            raise _Refused("the token is for something else")
        if not isinstance(claims.get("exp"), int) or claims["exp"] <= time.time():
            raise _Refused("the token has expired")
        return dict(claims)

    async def _decoded(self, token: str) -> jwt.Token:
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
            except (JoseError, ValueError):
                pass  # it may be signed with a newer key
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            try:
                answer = await client.get(f"{self._issuer}/jwks")
                self._keys = KeySet.import_key_set(answer.raise_for_status().json())
            except httpx.HTTPError:
                raise _Refused("Logto's keys cannot be fetched") from None
        return jwt.decode(token, self._keys, algorithms=_ALGORITHMS)


async def _answer(request: Request) -> Response:
    tokens: Tokens = request.app.state.tokens
    scheme, _, own = request.headers.get("authorization", "").partition(" ")
    token = request.headers.get(TOKEN_HEADER) or (own if scheme.lower() == "bearer" else "")
    try:
        if not token:
            raise _Refused("there is no access token")
        claims = await tokens.claims(token)
    except _Refused as refusal:
        return JSONResponse({"error": str(refusal)}, 401)
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "body_bytes": len(await request.body()),
            "cookie_received": "cookie" in request.headers,
            "claims": claims,
        }
    )


def create_app(logto_endpoint: str, resources: tuple[str, ...]) -> Starlette:
    """Make the API for tokens of this Logto server and these resources."""
    app = Starlette(routes=[Route("/{path:path}", _answer, methods=_METHODS)])
    app.state.tokens = Tokens(logto_endpoint, resources)
    return app
