"""The product as a Lambda process has it: its handler over a real table and a real provider."""

import asyncio
import io
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from functions.auth.application import Handler, make_handler
from harness.browser import Browser, Reply
from harness.sign_in_robot import Robot
from harness.tables import new_table
from harness.wire import Wire
from local.logto.server import StandIn
from shared.bootstrap import compose
from shared.oidc.http_client import TIMEOUT_SECONDS, ProviderHttp
from shared.services import Services
from shared.store.dynamodb import connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SERVICE = "auth"
DOMAIN = "signin.example.test"


@dataclass(slots=True)
class Clock:
    """The product's clock, which a test moves; seconds."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of the product. `wire` counts what it sends to DynamoDB."""

    handler: Handler
    services: Services
    client: "DynamoDBClient"
    table_name: str
    wire: Wire
    clock: Clock
    environment: Mapping[str, str]

    def browser(self) -> Browser:
        """A browser with an empty jar."""
        return Browser(self.handler, domain=DOMAIN)


@dataclass(frozen=True, kw_only=True)
class Product(Process):
    """A process over the stand-in; `stand_in.requests` counts what it sends to Logto."""

    stand_in: StandIn

    def forget_counts(self) -> None:
        self.wire.clear()
        self.stand_in.requests.clear()

    def sign_in(
        self, browser: Browser, account: str = "alice0000001", query: str = "", robot: Any = None
    ) -> Reply:
        """Sign in from /sign-in to the page that the callback sends to."""
        started = browser.get(f"/sign-in?{query}")
        assert started.status == 302, started.body
        return browser.get(self.at_logto(started.location, account, robot))

    def at_logto(
        self, authorization_url: str, account: str = "alice0000001", robot: Any = None
    ) -> str:
        """The callback URL that signing in at Logto leads to."""
        if robot is not None:
            return str(robot.sign_in(authorization_url, account))
        with Robot(self.stand_in.url) as fresh:
            return fresh.sign_in(authorization_url, account)


class _CurrentStdout:
    """Standard output, whichever it is at the moment: every test has another."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def log_to_stdout(service: str = SERVICE) -> None:
    """Let a logger write to each test's own output; it would keep that of the first."""
    for handler in logging.getLogger(service).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = _CurrentStdout()


@contextmanager
def unlogged(*services: str) -> Iterator[None]:
    """What these services log is not printed: their process has somebody else's output."""
    handlers = [h for s in services for h in logging.getLogger(s).handlers]
    streams = [h for h in handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.stream for handler in streams]
    for handler in streams:
        handler.stream = io.StringIO()
    try:
        yield
    finally:
        for handler, stream in zip(streams, before, strict=True):
            handler.stream = stream


@contextmanager
def started_process(
    endpoint: str,
    *,
    table_name: str | None = None,
    provider_seconds: float = TIMEOUT_SECONDS,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """A process over this provider and, without `table_name`, a table of its own. DynamoDB's
    endpoint is the environment's; `settings` are further variables."""
    client = connect()
    environment: Mapping[str, str] = {
        "LOGTO_ENDPOINT": endpoint,
        "LOGTO_APP_ID": "local-app",
        "LOGTO_APP_SECRET": "local-app-secret",
        "TABLE_NAME": table_name or new_table(client),
        **(settings or {}),
    }
    loop = asyncio.new_event_loop()
    http = ProviderHttp(timeout_seconds=provider_seconds)
    clock = Clock()
    services = compose(environment, service=SERVICE, client=client, http=http, clock=clock)
    log_to_stdout()
    try:
        yield Process(
            handler=make_handler(services, loop),
            services=services,
            client=client,
            table_name=environment["TABLE_NAME"],
            wire=Wire(client),
            clock=clock,
            environment=environment,
        )
    finally:
        loop.run_until_complete(http.close())
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()
        client.close()


@contextmanager
def started_product(stand_in: StandIn, **settings: str) -> Iterator[Product]:
    """A process over the stand-in."""
    with started_process(stand_in.url, settings=settings) as process:
        parts = {name: getattr(process, name) for name in Process.__dataclass_fields__}
        yield Product(**parts, stand_in=stand_in)
