"""A stand-in whose clock a test can move, and a relying party that sends plain HTTP to it."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from harness.product import Clock
from harness.second_customer import add_fabrikam
from harness.sign_in_robot import Robot
from local.logto.contoso import LOCAL_MACHINE, default_tenant
from local.logto.server import StandIn, running
from local.logto.tenant import MANAGEMENT_RESOURCE

CALLBACK = "http://localhost:3000/callback"
HOME = "http://localhost:3000/"
CREDENTIALS = ("local-app", "local-app-secret")

Call = Callable[..., httpx.Response]
"""Call the Management API: method, path, and httpx's options."""


@dataclass(slots=True)
class RelyingParty:
    """Sends to the stand-in what an application sends to a Logto server."""

    url: str
    robot: Robot
    client: httpx.Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def authorization_url(self, **changes: str | None) -> str:
        """Write a valid authorization request, with parameters changed, or left out if None."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query: dict[str, str | None] = {
            "client_id": CREDENTIALS[0],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid offline_access profile email",
            "prompt": "consent",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in query.items() if value is not None}
        return f"{self.url}/oidc/auth?{urlencode(given)}"

    def code(self, account: str = "alice0000001", /, **changes: str | None) -> str:
        """Sign in through the connector; the code."""
        return answer_of(self.robot.sign_in(self.authorization_url(**changes), account))["code"]

    def redeem(self, code: str, /, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return self.token({**form, **changes})

    def refresh(self, token: str, /, **changes: str) -> httpx.Response:
        return self.token({"grant_type": "refresh_token", "refresh_token": token, **changes})

    def token(self, form: dict[str, str], auth: Any = CREDENTIALS) -> httpx.Response:
        return self.post("/oidc/token", form, auth)

    def post(self, path: str, form: dict[str, str], auth: Any = CREDENTIALS) -> httpx.Response:
        return self.client.post(self.url + path, data=form, auth=auth)

    def tokens(self, account: str = "alice0000001", /, **changes: str | None) -> dict[str, Any]:
        """Sign in and redeem the code; the token response."""
        answer = self.redeem(self.code(account, **changes))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def me(self, access_token: str) -> httpx.Response:
        bearer = {"authorization": f"Bearer {access_token}"}
        return self.client.get(f"{self.url}/oidc/me", headers=bearer)


def answer_of(location: str) -> dict[str, str]:
    """Parse the query of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> Iterator[StandIn]:
    with running(default_tenant(), clock=clock) as started:
        yield started


@pytest.fixture
def two_tenants(stand_in: StandIn) -> StandIn:
    """Add Fabrikam, a second Entra tenant, with a connector and Rita, who has an account there."""
    add_fabrikam(stand_in.tenant)
    return stand_in


@pytest.fixture
def party(stand_in: StandIn) -> Iterator[RelyingParty]:
    with Robot(stand_in.url) as robot, httpx.Client(trust_env=False) as client:
        yield RelyingParty(stand_in.url, robot, client)


def token(url: str, **changes: str) -> httpx.Response:
    """Request a token for the Management API; the answer."""
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    return httpx.post(
        f"{url}/oidc/token", data={**form, **changes}, auth=LOCAL_MACHINE, trust_env=False
    )


@pytest.fixture
def call(stand_in: StandIn) -> Iterator[Call]:
    bearer = {"authorization": f"Bearer {token(stand_in.url).json()['access_token']}"}
    with httpx.Client(base_url=f"{stand_in.url}/api", headers=bearer, trust_env=False) as client:
        yield client.request
