"""The other functions beside a process of the product: over its table, its provider, its clock."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from harness.browser import Browser
from harness.processes import Handler, composed, started
from harness.product import DOMAIN, Process
from local.http_event import as_authorizer_event, http_event
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
"""Settings of a deployment whose authorizer passes access tokens on."""
SIGNING_KEY = "a-webhook-signing-key-of-32-char"


def authorizer_event(
    method: str = "GET",
    *,
    route: str = "/orders",
    cookies: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
    domain: str = DOMAIN,
) -> dict[str, Any]:
    """Build the authorizer's event for a request to a protected route."""
    path = route.replace("{proxy+}", "orders/1")
    event = http_event(
        method, path, headers=headers, cookies=cookies, route_key=f"ANY {route}", domain=domain
    )
    return as_authorizer_event(event, cookies or ())


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
        """Authorize a request of this browser: the context, or None if it is denied."""
        cookies = browser.cookies if browser else []
        answer = self.handler(
            authorizer_event(method, route=route, cookies=cookies, headers=headers), None
        )
        assert set(answer) <= {"isAuthorized", "context"}
        if answer["isAuthorized"] is not True:
            assert answer == {"isAuthorized": False}
            return None
        context: dict[str, Any] = answer["context"]
        return context


def started_services(
    process: Process, service: str, settings: Mapping[str, str] | None = None, **parts: Any
) -> AbstractContextManager[Services]:
    """Compose the services of one more process over the table, provider and clock of another."""
    return composed(**_beside(process, service, settings, parts))


@contextmanager
def started_authorizer(
    process: Process, settings: Mapping[str, str] | None = None, **parts: Any
) -> Iterator[Authorizer]:
    """Start a process of the authorizer beside a process of the product."""
    with started(**_beside(process, "authorizer", settings, parts)) as (handler, services):
        yield Authorizer(handler, services)


def _beside(
    process: Process, service: str, settings: Mapping[str, str] | None, parts: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `harness.processes.composed` for a process beside another."""
    return {
        "environment": {**process.environment, **(settings or {})},
        "service": service,
        "client": process.client,
        "clock": process.clock,
        **parts,
    }


@dataclass(frozen=True, slots=True)
class Notifications:
    """A process of the function that receives Logto's messages."""

    handler: Handler
    services: Services | None = None

    def post(
        self, path: str, body: str, headers: Mapping[str, str], method: str = "POST"
    ) -> tuple[int, dict[str, Any]]:
        """Post a message: the status and the JSON body of the answer."""
        answer = self.handler(http_event(method, path, headers=headers, body=body), None)
        assert answer["headers"]["cache-control"] == "no-store"
        return answer["statusCode"], json.loads(answer["body"])

    def log_out(self, token: str, **changes: str) -> int:
        """Post a logout token; the status of the answer."""
        form = urlencode({"logout_token": token, **changes})
        content_type = {"content-type": "application/x-www-form-urlencoded"}
        return self.post("/backchannel-logout", form, content_type)[0]

    def webhook(
        self, event: object, *, key: str = SIGNING_KEY, signature: str | None = None
    ) -> int:
        """Post a webhook that is signed with a key; the status of the answer."""
        body = event if isinstance(event, str) else json.dumps(event)
        signed = signature or hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "logto-signature-sha-256": signed}
        return self.post("/webhooks/logto", body, headers)[0]


@contextmanager
def started_notifications(
    process: Process, settings: Mapping[str, str] | None = None, **parts: Any
) -> Iterator[Notifications]:
    """Start a process of the notifications function beside a process of the product."""
    settings = {"LOGTO_WEBHOOK_SIGNING_KEY": SIGNING_KEY, **(settings or {})}
    with started(**_beside(process, "notifications", settings, parts)) as (handler, services):
        yield Notifications(handler, services)
