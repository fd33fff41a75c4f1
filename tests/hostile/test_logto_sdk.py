"""The Logto SDK: the interfaces that the product relies on, and the gaps that it closes.

The tests with a `party` run twice: over the product, where they pass, and over the bare SDK, where
they must fail. A release of the SDK that closes a gap shows here as an unexpected success, and one
that changes an interface as a failure.
"""

import asyncio
import importlib.metadata
import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from joserfc.jwk import ECKey
from logto import LogtoClient, LogtoConfig, LogtoException, Storage
from logto.LogtoClient import SignInSession
from logto.OidcCore import OidcCore

from harness.product import DOMAIN, started_process
from shared.oidc.sdk import Client, Core, UnitOfWork, _completed, sdk_config
from shared.session_handle import SessionHandle
from shared.settings import Settings
from shared.store.records import Session
from tests.hostile.provider import (
    DISCOVERY,
    TOKEN,
    Answer,
    EvilProvider,
    as_json,
    evil_provider,
)
from tests.hostile.scene import SESSION, Scene, Witnessed
from tests.hostile.waiting import STALL, impatient

CALLBACK = f"https://{DOMAIN}/callback"


class Party(Protocol):
    """A relying party, as one browser knows it."""

    def begin(self) -> dict[str, str]:
        """Begin a sign-in, and return the parameters that the provider gets."""

    def finish(self, parameters: dict[str, str], **changes: str) -> bool:
        """Send a callback, and return whether it signs the user in."""

    def twice_at_once(self, parameters: dict[str, str]) -> None:
        """Send one callback twice, the second while the first is being answered."""

    def signed_in(self) -> bool: ...

    def output(self) -> str:
        """Return everything that it wrote, answered or raised."""

    def stored(self) -> dict[str, str]:
        """Return the tokens that it stores."""


@dataclass(slots=True)
class _Dictionary(Storage):
    values: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def set(self, key: str, value: str | None) -> None:
        self.values[key] = value or ""

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


class BareSdk:
    """The tutorial's code: a LogtoClient over a storage."""

    def __init__(self, scene: Scene) -> None:
        self.provider = scene.provider
        self.storage = _Dictionary()
        self.client = self._new_client()
        self.raised: list[str] = []

    def _new_client(self) -> LogtoClient:
        config = LogtoConfig(
            endpoint=self.provider.url, appId="local-app", appSecret="local-app-secret"
        )
        return LogtoClient(config, self.storage)

    def begin(self) -> dict[str, str]:
        return _query(asyncio.run(self.client.signIn(redirectUri=CALLBACK)))

    def finish(self, parameters: dict[str, str], **changes: str) -> bool:
        return self._handle(self.client, _callback(self.provider, parameters, changes))

    def twice_at_once(self, parameters: dict[str, str]) -> None:
        url = _callback(self.provider, parameters, {})
        second = self._new_client()
        _during_the_token_request(self.provider, lambda: self._handle(second, url))
        self._handle(self.client, url)

    def signed_in(self) -> bool:
        return bool(self.client.isAuthenticated())

    def output(self) -> str:
        return "\n".join(self.raised)

    def stored(self) -> dict[str, str]:
        return self.storage.values

    def _handle(self, client: LogtoClient, url: str) -> bool:
        try:
            asyncio.run(client.handleSignInCallback(url))
        except Exception as failure:  # noqa: BLE001 - whatever the SDK raises
            self.raised.append(str(failure))
            return False
        return True


class Product:
    """The product over the same provider."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.browser: Witnessed = scene.browser()

    def begin(self) -> dict[str, str]:
        started = self.browser.get("/sign-in")
        return _query(started.location) if started.status == 302 else {}

    def finish(self, parameters: dict[str, str], **changes: str) -> bool:
        reply = self.browser.get(_callback(self.scene.provider, parameters, changes))
        return any(line.startswith(f"{SESSION}=") for line in reply.set_cookies)

    def twice_at_once(self, parameters: dict[str, str]) -> None:
        url = _callback(self.scene.provider, parameters, {})
        with started_process(
            self.scene.provider.url,
            table_name=self.scene.process.table_name,
        ) as other:
            second = Witnessed(other.handler, domain=DOMAIN, jar=dict(self.browser.jar))
            second.get("/sign-in")
            _during_the_token_request(self.scene.provider, lambda: second.get(url))
            self.browser.get(url)

    def signed_in(self) -> bool:
        return self.scene.who(self.browser) is not None

    def output(self) -> str:
        return self.scene.printed() + "".join(reply.body for reply in self.browser.replies)

    def stored(self) -> dict[str, str]:
        table = self.scene.process.services.sessions
        seal = SessionHandle.of(self.browser.jar[SESSION]).seal
        item = table.read_session(seal.key)
        assert item is not None
        session = Session.unseal(item, seal)
        assert session is not None
        return session.storage


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _callback(provider: EvilProvider, parameters: dict[str, str], changes: dict[str, str]) -> str:
    good = {
        "code": provider.code_for(parameters.get("nonce", "")),
        "state": parameters.get("state", ""),
        "iss": provider.issuer,
    }
    given = {**good, **changes}
    if "error" in given:
        del given["code"]
    return f"{CALLBACK}?{urlencode(given)}"


def _during_the_token_request(provider: EvilProvider, action: Callable[[], object]) -> None:
    """Do something while the next token request waits for its answer."""
    first = True

    def respond(form: dict[str, str]) -> Answer:
        nonlocal first
        if first:
            first = False
            action()
        return as_json(provider.good_tokens(form))

    provider.responders[TOKEN] = respond


@pytest.fixture(
    params=[
        "product",
        pytest.param("bare SDK", marks=pytest.mark.xfail(strict=True, raises=AssertionError)),
    ]
)
def party(scene: Scene, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Party:
    if request.param != "product":
        # The bare SDK needs the HTTP library that the product withholds.
        monkeypatch.setattr(sys.modules["logto.OidcCore"], "aiohttp", aiohttp)
    return Product(scene) if request.param == "product" else BareSdk(scene)


def test_plain_sign_in_succeeds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both can sign a user in, so the failures below mean something."""
    monkeypatch.setattr(sys.modules["logto.OidcCore"], "aiohttp", aiohttp)
    for party in (Product(scene), BareSdk(scene)):
        assert party.finish(party.begin())
        assert party.signed_in()


def test_nonce_of_another_sign_in_is_refused(scene: Scene, party: Party) -> None:
    scene.provider.claims = lambda claims: {**claims, "nonce": "of another sign-in"}
    assert not party.finish(party.begin())


@pytest.mark.parametrize("name", ["sub", "iat", "exp"])
def test_token_without_a_required_claim_is_refused(scene: Scene, party: Party, name: str) -> None:
    scene.provider.claims = lambda c: {key: value for key, value in c.items() if key != name}
    assert not party.finish(party.begin())


def test_token_for_several_audiences_is_refused(scene: Scene, party: Party) -> None:
    scene.provider.claims = lambda claims: {**claims, "aud": ["local-app", "other-app"]}
    assert not party.finish(party.begin())


def test_token_response_without_id_token_is_refused(scene: Scene, party: Party) -> None:
    scene.provider.token_response = lambda a: {k: v for k, v in a.items() if k != "id_token"}
    assert not party.finish(party.begin())


def test_metadata_of_another_issuer_is_refused(scene: Scene, party: Party) -> None:
    evil = "https://evil.test/oidc"
    scene.provider.metadata = lambda document: {**document, "issuer": evil}
    scene.provider.claims = lambda claims: {**claims, "iss": evil}
    assert not party.finish(party.begin())


def test_sign_ins_in_two_tabs_both_succeed(party: Party) -> None:
    first, second = party.begin(), party.begin()
    assert party.finish(second)
    assert party.finish(first)


def test_beginning_a_sign_in_keeps_the_session(party: Party) -> None:
    party.finish(party.begin())
    party.begin()
    assert party.signed_in()


def test_access_tokens_of_the_previous_user_are_dropped(scene: Scene, party: Party) -> None:
    party.finish(party.begin())
    if isinstance(party, BareSdk):
        # As `getAccessToken(resource)` would have stored it.
        party.client._setAccessToken("https://api.test/", scene.provider.canary("access"), 3600)
    before = set(party.stored().get("accessTokenMap", "").split('"'))
    scene.provider.claims = lambda claims: {**claims, "sub": "another"}
    party.finish(party.begin())
    after = set(party.stored().get("accessTokenMap", "").split('"'))
    assert not {value for value in before & after if value.startswith("canary")}


def test_error_with_another_state_is_not_shown(party: Party) -> None:
    party.finish(party.begin(), error="text-of-an-attacker", state="not-the-state")
    assert "text-of-an-attacker" not in party.output()


def test_callback_sent_twice_at_once_is_redeemed_once(scene: Scene, party: Party) -> None:
    party.twice_at_once(party.begin())
    assert scene.provider.count(TOKEN) == 1


@impatient
def test_slow_token_endpoint_fails_the_sign_in(scene: Scene, party: Party) -> None:
    scene.provider.responders[TOKEN] = lambda form: as_json(
        scene.provider.good_tokens(form), pause=STALL
    )
    assert not party.finish(party.begin())


def test_oversized_token_response_is_refused(scene: Scene, party: Party) -> None:
    scene.provider.token_response = lambda answer: {**answer, "padding": "x" * 1_000_000}
    assert not party.finish(party.begin())


def test_token_request_follows_no_redirect(scene: Scene, party: Party) -> None:
    with evil_provider() as thief:
        scene.provider.responders[TOKEN] = lambda _: Answer(
            status=307, headers={"location": f"{thief.url}{TOKEN}"}
        )
        party.finish(party.begin())
        assert thief.requests == []


def test_error_description_of_the_provider_is_not_shown(scene: Scene, party: Party) -> None:
    secret = scene.provider.canary("description")
    scene.provider.responders[TOKEN] = lambda _: as_json(
        {"error": "invalid_grant", "error_description": secret}, status=400
    )
    party.finish(party.begin())
    assert secret not in party.output()


def test_key_that_was_rotated_a_moment_ago_is_accepted(scene: Scene, party: Party) -> None:
    for number in range(3):
        key = ECKey.generate_key("P-384", {"kid": f"k{number}", "use": "sig", "alg": "ES384"})
        scene.provider.keys = [key]
        assert party.finish(party.begin())


def test_metadata_is_fetched_once_per_process(scene: Scene, party: Party) -> None:
    for _ in range(3):
        if isinstance(party, BareSdk):
            party.client = party._new_client()  # one a request, as the tutorial does
        party.finish(party.begin())
    assert scene.provider.count(DISCOVERY) == 1


SETTINGS = Settings(logto_endpoint="https://tenant.logto.app", logto_app_id="app", table_name="t")
DOCUMENT = {
    "issuer": SETTINGS.issuer,
    "authorization_endpoint": f"{SETTINGS.issuer}/auth",
    "token_endpoint": f"{SETTINGS.issuer}/token",
    "userinfo_endpoint": f"{SETTINGS.issuer}/me",
    "jwks_uri": f"{SETTINGS.issuer}/jwks",
    "end_session_endpoint": f"{SETTINGS.issuer}/session/end",
    "id_token_signing_alg_values_supported": ["ES384"],
}


def client_of(storage: UnitOfWork, extra: dict[str, str] | None = None) -> Client:
    """The product's client of the SDK. It makes no request."""
    return Client(sdk_config(SETTINGS), storage, Core(DOCUMENT, cast(Any, None)), extra=extra)


def _query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_installed_release_is_the_pinned_one() -> None:
    assert importlib.metadata.version("logto") == "0.2.1"


def test_storage_has_the_methods_that_the_unit_of_work_implements() -> None:
    assert Storage.__abstractmethods__ == {"get", "set", "delete"}


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        (Client, LogtoClient, "getOidcCore"),
        (Client, LogtoClient, "_buildSignInUrl"),
        (Client, LogtoClient, "_handleTokenResponse"),
        (Core, OidcCore, "fetchTokenByCode"),
        (Core, OidcCore, "fetchTokenByRefreshToken"),
    ],
)
def test_overridden_method_takes_the_same_parameters(ours: type, theirs: type, name: str) -> None:
    parameters = [
        list(inspect.signature(getattr(kind, name)).parameters) for kind in (ours, theirs)
    ]
    assert parameters[0] == parameters[1]


def test_sign_in_url_has_parameters_that_the_sdk_does_not_know() -> None:
    extra = {"nonce": "n", "first_screen": "register", "prompt": "login consent"}
    bare, _, _ = client_of(UnitOfWork()).begin(CALLBACK)
    url, state, session = client_of(UnitOfWork(), extra).begin(CALLBACK)
    query = _query_of(url)
    assert set(query) == set(_query_of(bare)) | {"nonce", "first_screen"}
    assert (query["nonce"], query["prompt"]) == (["n"], ["login consent"])
    assert (query["state"], query["code_challenge_method"]) == ([state], ["S256"])
    assert len(SignInSession.model_validate_json(session).codeVerifier) >= 43


@pytest.mark.parametrize(
    "url", [f"{CALLBACK}?code=c&state=other", f"{CALLBACK}?code=c", "https://x.test/?code=c"]
)
def test_callback_of_another_transaction_is_refused_by_the_sdk(url: str) -> None:
    storage = UnitOfWork()
    client_of(storage).begin(CALLBACK)
    with pytest.raises(LogtoException):
        asyncio.run(client_of(storage).handleSignInCallback(url))


def test_default_storage_of_the_sdk_is_shared_by_all_users() -> None:
    one, other = (LogtoClient(sdk_config(SETTINGS)) for _ in range(2))
    assert one._storage is other._storage


def test_end_session_request_names_the_application() -> None:
    query = _query_of(client_of(UnitOfWork()).end_session_url("https://app.test/"))
    assert query["client_id"] == ["app"]
    assert query["post_logout_redirect_uri"] == ["https://app.test/"]


def test_config_of_the_sdk_holds_no_secret() -> None:
    with_secret = LogtoConfig(endpoint="https://tenant.logto.app", appId="app", appSecret="s3cret")
    assert "s3cret" in repr(with_secret)  # which is why the product gives it none
    assert sdk_config(SETTINGS).appSecret is None


def test_coroutine_that_waits_is_an_error() -> None:
    """The product runs the SDK without an event loop, so a release that waits must be noticed."""

    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="suspended"):
        _completed(waits())


def test_http_library_of_the_sdk_is_not_loaded_and_using_it_is_an_error() -> None:
    program = (
        "import sys, shared.oidc.sdk\n"
        "print('aiohttp' in sys.modules)\n"
        "core = sys.modules['logto.OidcCore']\n"
        "coroutine = core.OidcCore.getProviderMetadata('http://localhost:9/')\n"
        "try:\n    coroutine.send(None)\n"
        "except AttributeError as failure:\n    print(failure)\n"
        "import aiohttp\n"
        "print(hasattr(aiohttp, 'ClientSession'))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert printed == ["False", "the SDK's own HTTP library is not used (ClientSession)", "True"]
