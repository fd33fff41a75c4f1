"""The Logto SDK (0.2.1), used through its own seams; no other module imports it.

`Client` is a `LogtoClient` whose `Storage` is a unit of work for one request and whose `OidcCore`
belongs to the process. The SDK goes on building the authorization request, matching the callback,
keeping the tokens and building the end-session request. Replaced are its HTTP (no time or size
limit, redirects followed), its ID-token check (no nonce, optional claims, a blocking key client)
and its exceptions (their text is whatever the provider sent).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from logto import LogtoClient, LogtoConfig, LogtoException, Storage
from logto.LogtoClient import SignInSession
from logto.models.oidc import OidcProviderMetadata, UserInfoScope
from logto.models.response import TokenResponse
from logto.OidcCore import OidcCore
from logto.utilities import OrganizationUrnPrefix

from shared.errors import (
    ClientRefused,
    GrantRefused,
    IdentityChanged,
    IdTokenInvalid,
    ProviderMisbehaved,
    ProviderSilent,
    TokenRefused,
    TransactionUnknown,
    Unavailable,
)
from shared.identity import read_claims
from shared.oidc.client_secret import StoredSecret
from shared.oidc.http_client import Answer, ProviderHttp
from shared.oidc.id_token import Expected, KeyUnknown, check_id_token, check_refreshed_id_token
from shared.oidc.provider import Provider, ProviderMetadata
from shared.oidc.token_response import DEFAULT_EXPIRES_IN, oauth_error, read_tokens
from shared.parsing.strict_json import parse_json_object
from shared.settings import Settings

_REFUSALS = frozenset({"access_denied", "invalid_target", "invalid_scope", "insufficient_scope"})
"""OAuth errors of a refresh that say nothing against the grant."""


@dataclass(slots=True)
class UnitOfWork(Storage):
    """The SDK's storage for one request: loaded once, changed in memory, committed by the flow.

    The SDK's default is one dictionary for the whole process, which in a warm Lambda function
    would hand one user's tokens to the next.
    """

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
    """The provider-wide part: token requests over bounded HTTP, with the application's secret.

    Raises GrantRefused for `invalid_grant`, ClientRefused for `invalid_client` and
    ProviderMisbehaved for anything that is not a token response.
    """

    def __init__(self, known: ProviderMetadata, http: ProviderHttp, secret: StoredSecret) -> None:
        # The SDK's constructor would make a key client with a network stack of its own.
        self.known = known
        self.metadata = OidcProviderMetadata(**_sdk_metadata(known.metadata))
        self._http = http
        self._secret = secret

    async def fetchTokenByCode(
        self,
        clientId: str,
        clientSecret: str | None,
        redirectUri: str,
        code: str,
        codeVerifier: str,
    ) -> TokenResponse:
        return _sdk_response(
            await self._post_as_client(
                self.metadata.token_endpoint,
                clientId,
                {
                    "grant_type": "authorization_code",
                    "redirect_uri": redirectUri,
                    "code": code,
                    "code_verifier": codeVerifier,
                },
            )
        )

    async def fetchTokenByRefreshToken(
        self,
        clientId: str,
        clientSecret: str | None,
        refreshToken: str,
        resource: str = "",
    ) -> TokenResponse:
        """Raises also TokenRefused: the grant is good, but not for this resource."""
        form = {"grant_type": "refresh_token", "refresh_token": refreshToken}
        if resource.startswith(OrganizationUrnPrefix):
            form["organization_id"] = resource.removeprefix(OrganizationUrnPrefix)
        elif resource:
            form["resource"] = resource
        answer = await self._post_as_client(self.metadata.token_endpoint, clientId, form)
        error = oauth_error(answer)
        if error in _REFUSALS:
            raise TokenRefused("the provider gives this user no such token")
        if error not in (None, "invalid_grant"):
            raise ProviderSilent(f"the token endpoint answered with status {answer.status}")
        return _sdk_response(answer)

    async def userinfo(self, access_token: str) -> dict[str, Any]:
        """The claims of the userinfo endpoint (OIDC Core section 5.3), unchecked."""
        answer = await self._http.get(self.metadata.userinfo_endpoint, bearer=access_token)
        if answer.status != 200:
            raise ProviderMisbehaved(f"userinfo answered with status {answer.status}")
        try:
            return parse_json_object(answer.body)
        except ValueError as fault:
            raise ProviderMisbehaved(f"userinfo: {fault}") from None

    async def is_active(self, client_id: str, refresh_token: str) -> bool | None:
        """Whether a refresh token may still be redeemed (RFC 7662); None where nobody says."""
        endpoint = self.known.metadata.get("introspection_endpoint")
        if endpoint is None:
            return None
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        answer = await self._post_as_client(endpoint, client_id, form)
        try:
            active = parse_json_object(answer.body).get("active")
        except ValueError:
            return None
        return active if answer.status == 200 and isinstance(active, bool) else None

    async def revoke(self, client_id: str, refresh_token: str) -> None:
        """Revoke the grant of a refresh token (RFC 7009 section 2.1), where Logto offers it."""
        endpoint = self.known.metadata.get("revocation_endpoint")
        if endpoint is not None:
            form = {"token": refresh_token, "token_type_hint": "refresh_token"}
            await self._post_as_client(endpoint, client_id, form)

    async def _post_as_client(self, url: str, client_id: str, form: dict[str, str]) -> Answer:
        """One request; a second only where the secret was refused and has been rotated."""
        secret = self._secret.value()
        answer = await self._http.post_form(
            url, {**form, "client_id": client_id, "client_secret": secret}
        )
        if oauth_error(answer) == "invalid_client":
            renewed = self._secret.renewed(secret)
            if renewed is None:
                raise ClientRefused("the provider refuses LOGTO_APP_ID or its secret")
            answer = await self._http.post_form(
                url, {**form, "client_id": client_id, "client_secret": renewed}
            )
        return answer


class Client(LogtoClient):
    """One request's view: its tokens, its transaction, its checks."""

    def __init__(
        self,
        config: LogtoConfig,
        storage: UnitOfWork,
        core: Core,
        *,
        extra: Mapping[str, str] | None = None,
        check: "Callable[[Any], Any] | None" = None,
    ) -> None:
        super().__init__(config, storage)
        self.unit_of_work = storage
        self._core = core
        self._extra = dict(extra or {})
        self._check = check

    async def getOidcCore(self) -> Core:
        return self._core

    async def _buildSignInUrl(
        self,
        redirectUri: str,
        codeChallenge: str,
        state: str,
        interactionMode: Any = None,
    ) -> str:
        """The SDK's authorization request with the parameters that it does not know."""
        url = await super()._buildSignInUrl(redirectUri, codeChallenge, state, interactionMode)
        if "prompt" in self._extra:
            url = url.replace(f"&prompt={self.config.prompt}&", "&")
        return f"{url}&{urlencode(self._extra)}" if self._extra else url

    async def _handleTokenResponse(self, resource: str, tokenResponse: TokenResponse) -> None:
        """Keep tokens only after the ID token among them has been checked."""
        if self._check is not None:
            await self._check(tokenResponse)
        if tokenResponse.id_token is not None:
            self._storage.set("idToken", tokenResponse.id_token)
        if tokenResponse.refresh_token is not None:
            self._storage.set("refreshToken", tokenResponse.refresh_token)
        self._setAccessToken(resource, tokenResponse.access_token, tokenResponse.expires_in)


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """What a code brought: the SDK's storage, the checked claims of the ID token, an access token
    for Logto itself, and the scopes that were granted."""

    storage: dict[str, str] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """What a refresh brought: the SDK's storage, the access token, and its life in seconds."""

    storage: dict[str, str] = field(repr=False)
    token: str = field(repr=False)
    expires_in: int


class Logto:
    """Logto for the flows: what they ask for, without a name of the SDK's."""

    def __init__(
        self,
        *,
        settings: Settings,
        provider: Provider,
        http: ProviderHttp,
        secret: StoredSecret,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._http = http
        self._secret = secret
        self._clock = clock
        self._config = LogtoConfig(
            endpoint=settings.logto_endpoint,
            appId=settings.logto_app_id,
            # The secret stays out of an object whose `repr` shows it.
            appSecret=None,
            scopes=[_scope(name) for name in settings.logto_scopes],
            resources=list(settings.logto_resources),
        )

    async def known(self) -> ProviderMetadata:
        """The provider's metadata and keys; errors as for `Provider.known`."""
        return await self._provider.known()

    async def ready(self) -> ProviderMetadata:
        """Everything that redeeming needs, so that nothing else fails once it has begun."""
        known = await self._provider.known()
        self._secret.value()
        return known

    async def authorization_request(
        self, *, redirect_uri: str, extra: Mapping[str, str]
    ) -> tuple[str, str, str]:
        """The URL to send the browser to, its `state`, and what the SDK needs at the callback."""
        storage = UnitOfWork()
        client = Client(self._config, storage, await self._core(), extra=extra)
        url = await client.signIn(redirectUri=redirect_uri)
        kept = storage.values["signInSession"]
        return url, SignInSession.model_validate_json(kept).state, kept

    async def redeem(
        self, *, callback_uri: str, sdk_session: str, nonce: str, issued_after: float
    ) -> Redeemed:
        """Exchange the code of a callback for what a new session is made of.

        Raises GrantRefused, IdTokenInvalid, TransactionUnknown for a callback that does not match
        the transaction, and the errors of `Core`.
        """
        claims: dict[str, Any] = {}
        granted: list[str] = []

        async def check(response: _TokenResponse) -> None:
            if response.id_token is None:
                raise ProviderMisbehaved("the token response holds no ID token")
            expected = Expected(
                client_id=self._settings.logto_app_id,
                nonce=nonce,
                access_token=response.access_token,
                issued_after=issued_after,
            )
            claims.update(await self._checked(response.id_token, expected))
            granted[:] = [response.access_token, *(response.scope or "").split()]

        storage = UnitOfWork({"signInSession": sdk_session})
        client = Client(self._config, storage, await self._core(), check=check)
        try:
            await client.handleSignInCallback(callback_uri)
        except LogtoException:
            raise TransactionUnknown("the callback does not belong to its transaction") from None
        # The access token is for userinfo alone; others come when they are needed.
        storage.delete("accessTokenMap")
        return Redeemed(
            storage=storage.values,
            claims=claims,
            access_token=granted[0],
            scopes=tuple(granted[1:]),
        )

    async def userinfo(self, access_token: str, *, subject: str) -> dict[str, Any]:
        """What Logto's userinfo says of the user who has just signed in.

        Raises IdentityChanged where it is of another, and the errors of `Core`.
        """
        claims = await (await self._core()).userinfo(access_token)
        if claims.get("sub") != subject:
            raise IdentityChanged("userinfo is about another user")
        return claims

    async def refresh(
        self,
        storage: Mapping[str, str],
        target: str,
        *,
        persist: Callable[[dict[str, str]], None],
    ) -> Refreshed:
        """Redeem the refresh token for an access token, once.

        `target` is a resource's indicator or an organization's URN. `persist` is given the storage
        with a rotated refresh token before anything else is done. Raises GrantRefused,
        TokenRefused, IdentityChanged, and the errors of `Core`.
        """
        original = read_claims(storage["idToken"])
        kept = {n: v for n, v in storage.items() if n in ("idToken", "refreshToken")}
        expires_in = DEFAULT_EXPIRES_IN

        async def check(response: TokenResponse) -> None:
            nonlocal expires_in
            expires_in = response.expires_in
            if response.id_token is not None and not _same_user(response.id_token, original):
                raise IdentityChanged("the refreshed ID token is of another user")
            if response.refresh_token not in (None, kept.get("refreshToken")):
                persist({**kept, "refreshToken": response.refresh_token})
            response.id_token = await self._believed(response.id_token, original)

        unit = UnitOfWork(dict(kept))
        client = Client(self._config, unit, await self._core(), check=check)
        try:
            if target.startswith(OrganizationUrnPrefix):
                organization = target.removeprefix(OrganizationUrnPrefix)
                token = await client.getOrganizationToken(organization)
            else:
                token = await client.getAccessToken(target)
        except LogtoException:
            raise TokenRefused("the sign-in did not ask for what this token needs") from None
        if token is None:
            raise GrantRefused("there is no refresh token")
        unit.delete("accessTokenMap")
        return Refreshed(storage=unit.values, token=token, expires_in=expires_in)

    async def is_redeemable(self, storage: Mapping[str, str]) -> bool | None:
        """Whether the refresh token may still be redeemed; None where Logto does not say."""
        token = storage.get("refreshToken")
        if token is None:
            return False
        return await (await self._core()).is_active(self._settings.logto_app_id, token)

    async def _believed(self, token: str | None, original: Mapping[str, Any]) -> str | None:
        """A refreshed ID token that passes its checks; None to go on with the one before.

        While the keys cannot be had, what has been redeemed is not thrown away for it.
        """
        if token is None:
            return None
        client_id, now = self._settings.logto_app_id, self._clock()
        known = await self._provider.known()
        try:
            check_refreshed_id_token(token, known, original, client_id=client_id, now=now)
        except KeyUnknown:
            try:
                renewed = await self._provider.refreshed()
                check_refreshed_id_token(token, renewed, original, client_id=client_id, now=now)
            except (KeyUnknown, Unavailable, ProviderMisbehaved):
                return None
        except IdTokenInvalid:
            raise IdentityChanged("the refreshed ID token fails its checks") from None
        return token

    async def end_session(self, storage: dict[str, str], *, return_uri: str) -> str:
        """The URL that ends the session at Logto and returns to `return_uri`. Raises
        ProviderMisbehaved where Logto has none, and ProviderUnavailable."""
        values = UnitOfWork(dict(storage))
        client = Client(self._config, values, await self._core())
        hint = client.getIdToken()
        try:
            url = await client.signOut(return_uri)
        except LogtoException:
            raise ProviderMisbehaved("discovery names no end-session endpoint") from None
        # A hint that makes the URL longer than servers take is worth less than a sign-out that
        # works: Logto then goes by `client_id`.
        return f"{url}&{urlencode({'id_token_hint': hint})}" if hint and len(hint) < 5000 else url

    async def revoke(self, storage: Mapping[str, str]) -> None:
        """Revoke the refresh token in `storage`, if there is one."""
        refresh_token = storage.get("refreshToken")
        if refresh_token is not None:
            await (await self._core()).revoke(self._settings.logto_app_id, refresh_token)

    async def _core(self) -> Core:
        return Core(await self._provider.known(), self._http, self._secret)

    async def _checked(self, token: str, expected: Expected) -> dict[str, Any]:
        known = await self._provider.known()
        try:
            return check_id_token(token, known, expected, now=self._clock())
        except KeyUnknown:
            renewed = await self._provider.refreshed()
            return check_id_token(token, renewed, expected, now=self._clock())


def _scope(name: str) -> Any:
    """The SDK's own member where it has one: it looks for those to ask for organizations."""
    try:
        return UserInfoScope(name)
    except ValueError:
        return name


def _sdk_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members that the SDK's model requires, so that no other can upset it."""
    names = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    return {
        **{name: document[name] for name in names},
        "end_session_endpoint": document.get("end_session_endpoint"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": document["id_token_signing_alg_values_supported"],
    }


def _same_user(token: str, original: Mapping[str, Any]) -> bool:
    """Whether an ID token that is yet to be checked names the same user and issuer."""
    try:
        claims = read_claims(token)
    except (ValueError, IndexError):
        return False
    return (claims.get("iss"), claims.get("sub")) == (original["iss"], original["sub"])


class _TokenResponse(TokenResponse):
    """The SDK's token response with the member that it leaves out."""

    scope: str | None


def _sdk_response(answer: Answer) -> _TokenResponse:
    tokens = read_tokens(answer)
    return _TokenResponse(
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the type, not a token
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        id_token=tokens.id_token,
        scope=tokens.scope,
    )
