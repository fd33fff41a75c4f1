"""Provide Logto to the flows, without exposing the SDK."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shared.clock import Clock, Deadline
from shared.errors import (
    ClientRefused,
    GrantRefused,
    IdentityChanged,
    IdTokenInvalid,
    ProviderMisbehaved,
    Unavailable,
)
from shared.identity import read_claims
from shared.oidc.client_secret import StoredSecret
from shared.oidc.http_client import HttpClient, Response
from shared.oidc.id_token import Expected, KeyUnknown, check_id_token, expected_after_refresh
from shared.oidc.provider import Provider, ProviderMetadata, read_document
from shared.oidc.sdk import Client, Core, ScopedTokenResponse, UnitOfWork
from shared.oidc.token_response import DEFAULT_EXPIRES_IN, oauth_error
from shared.parsing.strict_json import parse_json_object

if TYPE_CHECKING:
    from logto import LogtoConfig

MAX_HINT_CHARACTERS = 5000
"""An ID token that is longer makes an end-session URL longer than servers take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """The result of redeeming a code; `storage` is the SDK's, `access_token` is for userinfo."""

    storage: dict[str, str] = field(repr=False)
    claims: dict[str, Any] = field(repr=False)
    access_token: str = field(repr=False)
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """A refresh's token response: the SDK's storage, the access token, and its life in seconds."""

    storage: dict[str, str] = field(repr=False)
    token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Logto:
    """The provider's operations for this application, until a deadline.

    Every request raises ClientRefused when the application's credentials are refused,
    ProviderUnavailable, ProviderSilent and ProviderMisbehaved.
    """

    app_id: str
    config: "LogtoConfig"
    provider: Provider
    http: HttpClient
    secret: StoredSecret
    clock: Clock
    deadline: Deadline

    def until(self, deadline: Deadline) -> "Logto":
        """Return a facade with this deadline."""
        return replace(self, deadline=deadline)

    def metadata(self) -> ProviderMetadata:
        """Return the provider's metadata and keys; errors as for `Provider.metadata`."""
        return self.provider.metadata(self.deadline)

    def ready(self) -> ProviderMetadata:
        """Fetch metadata and secret before a redemption, so that only the redemption can fail."""
        metadata = self.metadata()
        self.secret.value(self.deadline)
        return metadata

    def authorization_request(
        self, *, redirect_uri: str, extra: Mapping[str, str]
    ) -> tuple[str, str, str]:
        """Return the URL to redirect to, its `state`, and the SDK's session for `redeem`."""
        return Client(self.config, UnitOfWork(), self._core(), extra=extra).begin(redirect_uri)

    def redeem(
        self, *, callback_uri: str, sdk_session: str, nonce: str, issued_after: float
    ) -> Redeemed:
        """Redeem the code of a callback for the tokens of a new session.

        Raises GrantRefused, IdTokenInvalid, and TransactionUnknown for another transaction's
        callback.
        """
        claims: dict[str, Any] = {}
        granted: list[str] = []

        def check(response: ScopedTokenResponse) -> None:
            if response.id_token is None:
                raise ProviderMisbehaved("the token response has no ID token")
            expected = Expected(
                client_id=self.app_id,
                nonce=nonce,
                access_token=response.access_token,
                issued_after=issued_after,
            )
            claims.update(self._checked(response.id_token, expected))
            granted[:] = [response.access_token, *(response.scope or "").split()]

        storage = UnitOfWork({"signInSession": sdk_session})
        Client(self.config, storage, self._core(), check=check).finish(callback_uri)
        # The access token is for userinfo only. Others are requested when they are needed.
        storage.delete("accessTokenMap")
        access_token, *scopes = granted
        return Redeemed(
            storage=storage.values, claims=claims, access_token=access_token, scopes=tuple(scopes)
        )

    def userinfo(self, access_token: str, *, subject: str) -> dict[str, Any]:
        """Return the claims of userinfo (OIDC Core section 5.3). Raises IdentityChanged too."""
        url = self.metadata().document["userinfo_endpoint"]
        claims = read_document(self.http.get(url, bearer=access_token, deadline=self.deadline))
        if claims.get("sub") != subject:
            raise IdentityChanged("userinfo is about another user")
        return claims

    def refresh(
        self, storage: Mapping[str, str], target: str, *, persist: Callable[[dict[str, str]], None]
    ) -> Refreshed:
        """Redeem the refresh token for an access token, once.

        `target` is a resource's indicator or an organization's URN. `persist` is called with a
        storage that contains a rotated refresh token, before anything else can fail. Raises
        GrantRefused, TokenRefused and IdentityChanged.
        """
        original = read_claims(storage["idToken"])
        tokens = {n: v for n, v in storage.items() if n in ("idToken", "refreshToken")}
        expires_in = DEFAULT_EXPIRES_IN

        def check(response: ScopedTokenResponse) -> None:
            nonlocal expires_in
            expires_in = response.expires_in
            if response.id_token is not None and not _same_user(response.id_token, original):
                raise IdentityChanged("the refreshed ID token is another user's")
            # Logto revokes the grant if a rotated token is used again. So the new one is stored
            # before the ID token is checked, for which keys may have to be fetched.
            if response.refresh_token not in (None, tokens.get("refreshToken")):
                persist({**tokens, "refreshToken": response.refresh_token})
            response.id_token = self._refreshed_id_token(response.id_token, original)

        unit = UnitOfWork(dict(tokens))
        token = Client(self.config, unit, self._core(), check=check).token_for(target)
        if token is None:
            raise GrantRefused("there is no refresh token")
        unit.delete("accessTokenMap")
        return Refreshed(storage=unit.values, token=token, expires_in=expires_in)

    def is_redeemable(self, storage: Mapping[str, str]) -> bool | None:
        """Return whether the refresh token is still redeemable (RFC 7662); None for no verdict."""
        if "refreshToken" not in storage:
            return False
        response = self._post_refresh_token("introspection_endpoint", storage)
        if response is None or response.status != 200:
            return None
        try:
            active = parse_json_object(response.body).get("active")
        except ValueError:
            return None
        return active if isinstance(active, bool) else None

    def end_session(
        self, storage: Mapping[str, str], *, return_uri: str, state: str | None = None
    ) -> str:
        """Return the URL of OIDC RP-Initiated Logout 1.0. Raises ProviderMisbehaved without one."""
        client = Client(self.config, UnitOfWork(dict(storage)), self._core())
        url, hint = client.end_session_url(return_uri), storage.get("idToken")
        # Without a hint, Logto uses `client_id`.
        short = hint is not None and len(hint) < MAX_HINT_CHARACTERS
        given = {"id_token_hint": hint if short else None, "state": state}
        added = urlencode({name: value for name, value in given.items() if value is not None})
        return f"{url}&{added}" if added else url

    def revoke(self, storage: Mapping[str, str]) -> None:
        """Revoke the refresh token in `storage` (RFC 7009 section 2.1), if there is one."""
        if "refreshToken" in storage:
            self._post_refresh_token("revocation_endpoint", storage)

    def _core(self) -> Core:
        document = self.metadata().document
        return Core(document, lambda form: self._post(document["token_endpoint"], form))

    def _post_refresh_token(self, endpoint: str, storage: Mapping[str, str]) -> Response | None:
        """Send the refresh token to an endpoint; None if Logto does not have it."""
        url = self.metadata().document.get(endpoint)
        form = {"token": storage["refreshToken"], "token_type_hint": "refresh_token"}
        return self._post(url, form) if url is not None else None

    def _post(self, url: str, form: dict[str, str]) -> Response:
        """Send one request; a second only when the secret was refused and has been rotated.

        A refused secret means that nothing was redeemed, so a second request repeats nothing.
        """
        secret = self.secret.value(self.deadline)
        response = self._post_with(secret, url, form)
        if oauth_error(response) != "invalid_client":
            return response
        renewed = self.secret.renewed(secret, self.deadline)
        if renewed is None:
            raise ClientRefused("the provider refuses LOGTO_APP_ID or its secret")
        return self._post_with(renewed, url, form)

    def _post_with(self, secret: str, url: str, form: dict[str, str]) -> Response:
        credentials = {"client_id": self.app_id, "client_secret": secret}
        return self.http.post_form(url, {**form, **credentials}, deadline=self.deadline)

    def _checked(self, token: str, expected: Expected) -> dict[str, Any]:
        try:
            return check_id_token(token, self.metadata(), expected, now=self.clock())
        except KeyUnknown:
            renewed = self.provider.refetched(self.deadline)
            return check_id_token(token, renewed, expected, now=self.clock())

    def _refreshed_id_token(self, token: str | None, original: Mapping[str, Any]) -> str | None:
        """Return a refreshed ID token that passes its checks.

        None keeps the previous one: without the keys, the redeemed tokens must not be lost.
        """
        if token is None:
            return None
        try:
            now = self.clock()
            self._checked(token, expected_after_refresh(original, client_id=self.app_id, now=now))
        except (KeyUnknown, Unavailable, ProviderMisbehaved):
            return None
        except IdTokenInvalid:
            raise IdentityChanged("the refreshed ID token fails its checks") from None
        return token


def _same_user(token: str, original: Mapping[str, Any]) -> bool:
    """Return whether an unchecked ID token names the same user and issuer."""
    try:
        claims = read_claims(token)
    except (ValueError, IndexError):
        return False
    return (claims.get("iss"), claims.get("sub")) == (original["iss"], original["sub"])
