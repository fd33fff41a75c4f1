"""The cache of a provider's metadata: when it is fetched, and how long it serves."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.clock import Deadline
from shared.errors import ProviderMisbehaved, ProviderUnavailable
from shared.limits import Limits
from shared.oidc.http_client import HttpClient, Response
from shared.oidc.provider import Provider, check_metadata

pytestmark = pytest.mark.invariant(6)

ENDPOINT = "https://tenant.logto.app"
LIMITS = Limits()
DEADLINE = Deadline.after(3600)


def discovery(**changes: Any) -> dict[str, Any]:
    document = {
        "issuer": f"{ENDPOINT}/oidc",
        "authorization_endpoint": f"{ENDPOINT}/oidc/auth",
        "token_endpoint": f"{ENDPOINT}/oidc/token",
        "userinfo_endpoint": f"{ENDPOINT}/oidc/me",
        "jwks_uri": f"{ENDPOINT}/oidc/jwks",
        "end_session_endpoint": f"{ENDPOINT}/oidc/session/end",
        "revocation_endpoint": f"{ENDPOINT}/oidc/token/revocation",
        "id_token_signing_alg_values_supported": ["ES384"],
        "authorization_response_iss_parameter_supported": True,
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


@dataclass
class FakeHttp:
    """Answers from memory; `down` makes it fail."""

    key_id: str = "first"
    down: bool = False
    urls: list[str] = field(default_factory=list)

    def get(self, url: str, *, deadline: Deadline) -> Response:
        assert deadline.left() <= LIMITS.metadata_seconds
        self.urls.append(url)
        if self.down:
            raise ProviderUnavailable("down")
        keys = {"keys": [{"kty": "EC", "crv": "P-384", "kid": self.key_id, "x": "", "y": ""}]}
        body = keys if url.endswith("/jwks") else discovery()
        return Response(status=200, body=json.dumps(body).encode())


@dataclass
class World:
    now: float = 1_800_000_000.0
    http: FakeHttp = field(default_factory=FakeHttp)

    def provider(self) -> Provider:
        return Provider(
            endpoint=ENDPOINT,
            http=cast(HttpClient, self.http),
            clock=lambda: self.now,
            limits=LIMITS,
        )


def test_metadata_is_fetched_once_while_fresh() -> None:
    world = World()
    provider = world.provider()
    for _ in range(3):
        assert provider.metadata(DEADLINE).names_issuer_in_callback
    assert len(world.http.urls) == 2
    world.now += LIMITS.metadata_fresh_seconds
    provider.metadata(DEADLINE)
    assert len(world.http.urls) == 4


def test_metadata_is_unavailable_if_the_provider_is_down_at_a_cold_start() -> None:
    world = World(http=FakeHttp(down=True))
    with pytest.raises(ProviderUnavailable):
        world.provider().metadata(DEADLINE)


def test_cached_metadata_serves_for_a_day_of_an_outage() -> None:
    world = World()
    provider = world.provider()
    provider.metadata(DEADLINE)
    world.http.down = True
    world.now += LIMITS.metadata_fresh_seconds + 1
    for _ in range(5):
        assert provider.metadata(DEADLINE).keys[0]["kid"] == "first"
    assert len(world.http.urls) == 3, "during an outage, not every request asks the provider"
    world.now += LIMITS.metadata_stale_seconds
    with pytest.raises(ProviderUnavailable):
        provider.metadata(DEADLINE)


def test_rotated_key_is_found_at_once_twice_in_a_row() -> None:
    world = World()
    provider = world.provider()
    provider.metadata(DEADLINE)
    for key_id in ("second", "third"):
        world.http.key_id = key_id
        assert provider.refetched(DEADLINE).keys[0]["kid"] == key_id


def test_hundred_unknown_keys_cause_a_bounded_number_of_fetches() -> None:
    world = World()
    provider = world.provider()
    provider.metadata(DEADLINE)
    for _ in range(100):
        provider.refetched(DEADLINE)
    assert len(world.http.urls) == 2 + 2 * LIMITS.key_refetches
    world.now += 60
    world.http.key_id = "later"
    assert provider.refetched(DEADLINE).keys[0]["kid"] == "later"


def test_refetch_for_a_message_without_one_left_is_unavailable() -> None:
    """The cached keys would refuse a genuine message that a new key has signed."""
    world = World()
    provider = world.provider()
    provider.metadata(DEADLINE)
    for _ in range(LIMITS.key_refetches):
        provider.refetched_or_unavailable(DEADLINE)
    world.http.key_id = "newer"
    with pytest.raises(ProviderUnavailable):
        provider.refetched_or_unavailable(DEADLINE)
    assert len(world.http.urls) == 2 + 2 * LIMITS.key_refetches
    world.now += LIMITS.key_refetch_seconds
    assert provider.refetched_or_unavailable(DEADLINE).keys[0]["kid"] == "newer"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example/oidc"},
        {"issuer": f"{ENDPOINT}/oidc/"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"token_endpoint": "http://tenant.logto.app/oidc/token"},
        {"jwks_uri": "https://tenant.logto.app:8443/jwks"},
        {"jwks_uri": "https://tenant.logto.app@evil.example/jwks"},
        {"authorization_endpoint": None},
        {"userinfo_endpoint": 5},
        {"end_session_endpoint": "//evil.example"},
        {"revocation_endpoint": "https://evil.example/revoke"},
        {"id_token_signing_alg_values_supported": "ES384"},
        {"id_token_signing_alg_values_supported": [1]},
    ],
    ids=lambda changes: next(f"{name}={value}" for name, value in changes.items()),
)
def test_discovery_document_that_must_not_be_used_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisbehaved):
        check_metadata(discovery(**changes), endpoint=ENDPOINT)


def test_discovery_document_without_optional_endpoints_is_accepted() -> None:
    document = discovery(end_session_endpoint=None, revocation_endpoint=None)
    assert check_metadata(document, endpoint=ENDPOINT) == document
