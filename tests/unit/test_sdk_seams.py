"""The seams of the Logto SDK that the product stands on: another release must not move them.

Each seam is tried on the bare SDK, so that a change shows here and not in a sign-in.
"""

import asyncio
import importlib.metadata
import inspect
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from logto import LogtoClient, LogtoConfig, LogtoException, Storage
from logto.LogtoClient import SignInSession
from logto.models.oidc import OidcProviderMetadata
from logto.models.response import TokenResponse
from logto.OidcCore import OidcCore

from shared.oidc.logto import Client, Core, UnitOfWork
from shared.oidc.provider import ProviderMetadata

ENDPOINT = "https://tenant.logto.app"
ISSUER = f"{ENDPOINT}/oidc"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/me",
    "jwks_uri": f"{ISSUER}/jwks",
    "end_session_endpoint": f"{ISSUER}/session/end",
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["ES384"],
}
CALLBACK = "https://app.test/callback"


class BareCore(OidcCore):
    """The SDK's core without its constructor, which would make a key client."""

    def __init__(self) -> None:
        self.metadata = OidcProviderMetadata(**DOCUMENT)


class BareClient(LogtoClient):
    """The SDK's client over that core: `getOidcCore` is the seam."""

    async def getOidcCore(self) -> OidcCore:
        return BareCore()


def config() -> LogtoConfig:
    return LogtoConfig(endpoint=ENDPOINT, appId="app", appSecret=None)


def product_client(storage: UnitOfWork, extra: dict[str, str] | None = None) -> Client:
    known = ProviderMetadata(metadata=DOCUMENT, keys=())
    core = Core(known, None, None)  # type: ignore[arg-type] # no request is made
    return Client(config(), storage, core, extra=extra)


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_the_pinned_release() -> None:
    assert importlib.metadata.version("logto") == "0.2.1"


def test_storage_has_the_three_methods_that_the_unit_of_work_implements() -> None:
    assert Storage.__abstractmethods__ == {"get", "set", "delete"}


def test_methods_that_are_overridden_take_what_they_took() -> None:
    for name in ("getOidcCore", "_buildSignInUrl", "_handleTokenResponse"):
        ours = list(inspect.signature(getattr(Client, name)).parameters)
        theirs = list(inspect.signature(getattr(LogtoClient, name)).parameters)
        assert ours == theirs, name
    ours = list(inspect.signature(Core.fetchTokenByCode).parameters)
    assert ours == list(inspect.signature(OidcCore.fetchTokenByCode).parameters)


def test_bare_sdk_sends_no_nonce_and_keeps_one_sign_in_for_all_tabs() -> None:
    storage = UnitOfWork()
    bare = BareClient(config(), storage)
    first = asyncio.run(bare.signIn(redirectUri=CALLBACK))
    kept = storage.values["signInSession"]
    assert "nonce" not in query_of(first)
    asyncio.run(bare.signIn(redirectUri=CALLBACK))
    assert storage.values["signInSession"] != kept


def test_product_adds_parameters_to_the_sdks_request() -> None:
    extra = {"nonce": "n", "first_screen": "register", "prompt": "login consent"}
    storage = UnitOfWork()
    query = query_of(asyncio.run(product_client(storage, extra).signIn(redirectUri=CALLBACK)))
    bare = query_of(asyncio.run(BareClient(config(), UnitOfWork()).signIn(redirectUri=CALLBACK)))
    assert set(query) == set(bare) | {"nonce", "first_screen"}
    assert query["nonce"] == ["n"]
    assert query["prompt"] == ["login consent"]
    assert query["code_challenge_method"] == ["S256"]
    kept = SignInSession.model_validate_json(storage.values["signInSession"])
    assert query["state"] == [kept.state]
    assert len(kept.codeVerifier) >= 43


def test_sdk_matches_the_callback_to_its_transaction() -> None:
    storage = UnitOfWork()
    asyncio.run(product_client(storage).signIn(redirectUri=CALLBACK))
    for url in (f"{CALLBACK}?code=c&state=other", f"{CALLBACK}?code=c", "https://x.test/?code=c"):
        with pytest.raises(LogtoException):
            asyncio.run(product_client(storage).handleSignInCallback(url))


def test_bare_sdk_takes_a_token_response_without_id_token() -> None:
    """Which is why the product checks before anything is kept."""
    storage = UnitOfWork()
    answer = TokenResponse(access_token="a", token_type="Bearer", expires_in=60)
    asyncio.run(BareClient(config(), storage)._handleTokenResponse("", answer))
    assert "accessTokenMap" in storage.values


def test_bare_sdk_keeps_an_earlier_users_refresh_token() -> None:
    storage = UnitOfWork({"refreshToken": "of the earlier user"})
    answer = TokenResponse(access_token="a", token_type="Bearer", expires_in=60)
    asyncio.run(BareClient(config(), storage)._handleTokenResponse("", answer))
    assert storage.values["refreshToken"] == "of the earlier user"


def test_default_storage_is_shared_by_everybody() -> None:
    one, other = LogtoClient(config()), LogtoClient(config())
    assert one._storage is other._storage


def test_sign_out_builds_the_end_session_request() -> None:
    url = asyncio.run(product_client(UnitOfWork()).signOut("https://app.test/"))
    assert url.startswith(f"{ISSUER}/session/end?")
    assert query_of(url)["client_id"] == ["app"]
    assert query_of(url)["post_logout_redirect_uri"] == ["https://app.test/"]


def test_config_of_the_product_shows_no_secret() -> None:
    with_secret = LogtoConfig(endpoint=ENDPOINT, appId="app", appSecret="s3cret")
    assert "s3cret" in repr(with_secret)  # so the product gives it none
    assert product_client(UnitOfWork()).config.appSecret is None
