"""The other functions beside a process of the product: over its table, its provider, its clock."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from functions.authorizer.application import make_handler as make_authorizer
from functions.notifications.application import make_handler as make_notifications
from functions.smoke.http_event import http_event
from harness.browser import Browser
from harness.product import DOMAIN, Process, log_to_stdout
from shared.bootstrap import compose
from shared.oidc.client_secret import webhook_key
from shared.oidc.http_client import TIMEOUT_SECONDS, ProviderHttp
from shared.services import Services

RESOURCE = "https://api.example.test/orders"
ROUTE = "/api/{proxy+}"
TOKEN_SETTINGS = {
    "LOGTO_RESOURCES": RESOURCE,
    "LOGTO_ORGANIZATIONS": "contosoorg01",
    "LOGTO_SCOPES": "email roles urn:logto:scope:organizations "
    "urn:logto:scope:organization_roles read:orders write:orders",
    "ACCESS_TOKEN_ROUTES": f"{ROUTE}={RESOURCE} /organization=urn:logto:organization:contosoorg01",
}
"""Settings of a deployment whose authorizer hands on access tokens."""
SIGNING_KEY = "a-webhook-signing-key-of-32-char"
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def authorizer_event(
    method: str = "GET",
    *,
    route: str = "/orders",
    cookies: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
    domain: str = DOMAIN,
) -> dict[str, Any]:
    """What API Gateway sends an authorizer, payload 2.0."""
    path = route.replace("{proxy+}", "orders/1")
    event = http_event(method, path, headers=headers, cookies=cookies, domain=domain)
    key = f"ANY {route}"
    event["requestContext"]["routeKey"] = key
    return {
        **{name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")},
        "type": "REQUEST",
        "routeKey": key,
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdefghij/$default/GET/orders",
        "identitySource": list(cookies or ()),
    }


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A process of the authorizer."""

    handler: Handler
    services: Services

    def ask(
        self,
        browser: Browser | None = None,
        method: str = "GET",
        *,
        route: str = "/orders",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """The context for a request of this browser; None where it is denied."""
        cookies = [f"{name}={value}" for name, value in (browser.jar if browser else {}).items()]
        answer = self.handler(
            authorizer_event(method, route=route, cookies=cookies, headers=headers), None
        )
        assert set(answer) <= {"isAuthorized", "context"}
        if answer["isAuthorized"] is not True:
            assert answer == {"isAuthorized": False}
            return None
        context: dict[str, Any] = answer["context"]
        return context


@contextmanager
def started_services(
    process: Process,
    service: str,
    settings: Mapping[str, str] | None = None,
    *,
    client: Any = None,
    provider_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[tuple[Services, asyncio.AbstractEventLoop]]:
    """The services of one more process over the table, the provider and the clock of another."""
    loop = asyncio.new_event_loop()
    http = ProviderHttp(timeout_seconds=provider_seconds)
    services = compose(
        {**process.environment, **(settings or {})},
        service=service,
        client=client or process.client,
        http=http,
        clock=process.clock,
    )
    log_to_stdout(service)
    try:
        yield services, loop
    finally:
        loop.run_until_complete(http.close())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@contextmanager
def started_authorizer(
    process: Process, settings: Mapping[str, str] | None = None, **changes: Any
) -> Iterator[Authorizer]:
    """One process of the authorizer."""
    with started_services(process, "authorizer", settings, **changes) as (services, loop):
        yield Authorizer(make_authorizer(services, loop), services)


@dataclass(frozen=True, slots=True)
class Notifications:
    """A process of the function that Logto's messages go to."""

    handler: Handler

    def post(
        self, path: str, body: str, headers: Mapping[str, str], method: str = "POST"
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to a message."""
        answer = self.handler(http_event(method, path, headers=headers, body=body), None)
        assert answer["headers"]["cache-control"] == "no-store"
        return answer["statusCode"], json.loads(answer["body"])

    def log_out(self, token: str, **changes: str) -> int:
        """Post a logout token."""
        form = urlencode({"logout_token": token, **changes})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.post("/backchannel-logout", form, kind)[0]

    def webhook(
        self, event: object, *, key: str = SIGNING_KEY, signature: str | None = None
    ) -> int:
        """Post a webhook signed with a key."""
        body = event if isinstance(event, str) else json.dumps(event)
        signed = signature or hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "logto-signature-sha-256": signed}
        return self.post("/webhooks/logto", body, headers)[0]


@contextmanager
def started_notifications(process: Process, **changes: Any) -> Iterator[Notifications]:
    """One process of it."""
    settings = {"LOGTO_WEBHOOK_SIGNING_KEY": SIGNING_KEY}
    with started_services(process, "notifications", settings, **changes) as (services, loop):
        key = webhook_key(services.settings, lambda arn, anew: "")
        yield Notifications(make_notifications(services, key, loop))
