"""Use the Logto SDK (0.2.1) through its own seams; no other module imports it.

`Client` is a `LogtoClient` whose `Storage` is a unit of work for one request, and whose `OidcCore`
uses this product's HTTP client. Replaced are its HTTP (no limits, redirects followed), its ID-token
check (no nonce, optional claims) and its exceptions (with texts of the provider). Its coroutines
wait for nothing any more, so they need no event loop.
"""

import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, cast
from urllib.parse import urlencode

from shared.errors import (
    CONFIGURATION_ERRORS,
    ProviderMisbehaved,
    ProviderSilent,
    TokenRefused,
    TransactionUnknown,
)
from shared.oidc.http_client import Response
from shared.oidc.token_response import oauth_error, read_tokens
from shared.settings import Settings


class _NeverUsed(ModuleType):
    """Stands in for the HTTP library in the SDK's module: using it is an error."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the SDK's own HTTP library is not used ({name})")


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Keep a module that only overridden methods use unloaded: aiohttp takes long to load."""
    loaded = sys.modules.get(module)
    sys.modules[module] = _NeverUsed(module)
    try:
        yield
    finally:
        del sys.modules[module]
        if loaded is not None:
            sys.modules[module] = loaded


with _without("aiohttp"):
    from logto import LogtoClient, LogtoConfig, LogtoException, Storage
    from logto.LogtoClient import SignInSession
    from logto.models.oidc import OidcProviderMetadata, UserInfoScope
    from logto.models.response import TokenResponse
    from logto.OidcCore import OidcCore
    from logto.utilities import OrganizationUrnPrefix

_REFUSALS = frozenset({"access_denied", "invalid_target", "invalid_scope", "insufficient_scope"})
"""OAuth errors of a refresh that say nothing against the grant."""


class ScopedTokenResponse(TokenResponse):
    """The SDK's token response with the member that it leaves out."""

    scope: str | None


Send = Callable[[dict[str, str]], Response]
Check = Callable[[ScopedTokenResponse], None]
"""Check a token response, and raise before any of it is kept."""


@dataclass(slots=True)
class UnitOfWork(Storage):
    """The storage for one request. The SDK's own is one for the process: it mixes up users."""

    values: dict[str, str] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def set(self, key: str, value: str | None) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


class Core(OidcCore):
    """The SDK's token requests, sent by this product.

    Raises the errors of `read_tokens`, and those of `send`, which sends one form to the token
    endpoint.
    """

    def __init__(self, document: Mapping[str, Any], send: Send) -> None:
        # The SDK's constructor would make a key client with a network stack of its own.
        self.metadata = OidcProviderMetadata(**_sdk_metadata(document))
        self._send = send

    async def fetchTokenByCode(
        self,
        clientId: str,
        clientSecret: str | None,
        redirectUri: str,
        code: str,
        codeVerifier: str,
    ) -> TokenResponse:
        form = {
            "grant_type": "authorization_code",
            "redirect_uri": redirectUri,
            "code": code,
            "code_verifier": codeVerifier,
        }
        return _sdk_response(self._send(form))

    async def fetchTokenByRefreshToken(
        self, clientId: str, clientSecret: str | None, refreshToken: str, resource: str = ""
    ) -> TokenResponse:
        """Redeem a refresh token. Raises also TokenRefused: good, but not for this resource."""
        form = {"grant_type": "refresh_token", "refresh_token": refreshToken}
        if resource.startswith(OrganizationUrnPrefix):
            form["organization_id"] = resource.removeprefix(OrganizationUrnPrefix)
        elif resource:
            form["resource"] = resource
        response = self._send(form)
        error = oauth_error(response)
        if error in _REFUSALS:
            raise TokenRefused("the provider gives this user no such token")
        # A configuration error comes before the refresh token is looked at.
        if error not in (None, "invalid_grant", *CONFIGURATION_ERRORS):
            raise ProviderSilent(f"the token endpoint answered with status {response.status}")
        return _sdk_response(response)


class Client(LogtoClient):
    """One request's view of the SDK: its tokens, its transaction, its checks."""

    def __init__(
        self,
        config: LogtoConfig,
        storage: UnitOfWork,
        core: Core,
        *,
        extra: Mapping[str, str] | None = None,
        check: Check | None = None,
    ) -> None:
        super().__init__(config, storage)
        self._core = core
        self._extra = dict(extra or {})
        self._check = check

    async def getOidcCore(self) -> Core:
        return self._core

    async def _buildSignInUrl(
        self, redirectUri: str, codeChallenge: str, state: str, interactionMode: Any = None
    ) -> str:
        """Build the SDK's authorization request with the parameters that it does not know."""
        url = await super()._buildSignInUrl(redirectUri, codeChallenge, state, interactionMode)
        if "prompt" in self._extra:
            url = url.replace(f"&prompt={self.config.prompt}&", "&")
        return f"{url}&{urlencode(self._extra)}" if self._extra else url

    async def _handleTokenResponse(self, resource: str, tokenResponse: TokenResponse) -> None:
        """Keep tokens only after the ID token among them has been checked."""
        if self._check is not None:
            self._check(cast(ScopedTokenResponse, tokenResponse))
        if tokenResponse.id_token is not None:
            self._storage.set("idToken", tokenResponse.id_token)
        if tokenResponse.refresh_token is not None:
            self._storage.set("refreshToken", tokenResponse.refresh_token)
        self._setAccessToken(resource, tokenResponse.access_token, tokenResponse.expires_in)

    def begin(self, redirect_uri: str) -> tuple[str, str, str]:
        """Return the authorization request's URL, its `state`, and what `finish` needs of it."""
        url = _completed(self.signIn(redirectUri=redirect_uri))
        kept = str(self._storage.get("signInSession"))
        return url, SignInSession.model_validate_json(kept).state, kept

    def finish(self, callback_uri: str) -> None:
        """Redeem the code of a callback. Raises TransactionUnknown when it does not match."""
        try:
            _completed(self.handleSignInCallback(callback_uri))
        except LogtoException:
            raise TransactionUnknown("the callback does not belong to its transaction") from None

    def token_for(self, target: str) -> str | None:
        """Redeem the refresh token, if any, for a resource or organization. Raises TokenRefused."""
        try:
            if target.startswith(OrganizationUrnPrefix):
                organization = target.removeprefix(OrganizationUrnPrefix)
                return _completed(self.getOrganizationToken(organization))
            return _completed(self.getAccessToken(target))
        except LogtoException:
            raise TokenRefused("the sign-in did not request what this token needs") from None

    def end_session_url(self, return_uri: str) -> str:
        """Return the end-session request's URL. Raises ProviderMisbehaved if there is none."""
        try:
            return _completed(self.signOut(return_uri))
        except LogtoException:
            raise ProviderMisbehaved("discovery names no end-session endpoint") from None


def sdk_config(settings: Settings) -> LogtoConfig:
    """Return the SDK's settings. The secret stays out of an object whose `repr` shows it."""
    return LogtoConfig(
        endpoint=settings.logto_endpoint,
        appId=settings.logto_app_id,
        appSecret=None,
        scopes=[_scope(name) for name in settings.logto_scopes],
        resources=list(settings.logto_resources),
    )


def _completed[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its value."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise RuntimeError("a coroutine of the SDK has suspended")


def _scope(name: str) -> Any:
    """Return the SDK's own member if it has one: it looks for those to ask for organizations."""
    try:
        return UserInfoScope(name)
    except ValueError:
        return name


def _sdk_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that the SDK's model requires, so that no other can upset it."""
    names = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    return {
        **{name: document[name] for name in names},
        "end_session_endpoint": document.get("end_session_endpoint"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": document["id_token_signing_alg_values_supported"],
    }


def _sdk_response(response: Response) -> ScopedTokenResponse:
    # The type, not a token.
    return ScopedTokenResponse(token_type="Bearer", **read_tokens(response))  # noqa: S106
