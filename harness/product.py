"""The product as a Lambda process has it: its handler over a real table and a real provider."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.browser import Browser, Reply
from harness.environment import function_variables
from harness.patience import PATIENT
from harness.processes import Handler, started
from harness.sign_in_robot import Robot
from harness.tables import new_table
from harness.wire import Wire
from local import http_event
from local.logto.server import StandIn
from shared.services import Services
from shared.store.dynamodb import connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DOMAIN: Final = http_event.DOMAIN
"""The domain at which browsers reach the product."""


@dataclass(slots=True)
class Clock:
    """The product's clock, which a test can move forward; seconds."""

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
        """Open a browser with an empty cookie jar."""
        return Browser(self.handler, domain=DOMAIN)


@dataclass(frozen=True, kw_only=True)
class Product(Process):
    """A process over the stand-in; `stand_in.requests` lists what it sends to Logto."""

    stand_in: StandIn

    def forget_counts(self) -> None:
        """Forget what was sent to DynamoDB and to Logto."""
        self.wire.clear()
        self.stand_in.requests.clear()

    def sign_in(
        self, browser: Browser, account: str = "alice0000001", query: str = "", robot: Any = None
    ) -> Reply:
        """Sign in, from /sign-in to the callback's answer."""
        redirect = browser.get(f"/sign-in?{query}")
        assert redirect.status == 302, redirect.body
        return browser.get(self.at_logto(redirect.location, account, robot))

    def at_logto(
        self, authorization_url: str, account: str = "alice0000001", robot: Any = None
    ) -> str:
        """Sign in at Logto; the callback URL that this leads to."""
        if robot is not None:
            return str(robot.sign_in(authorization_url, account))
        with Robot(self.stand_in.url) as fresh:
            return fresh.sign_in(authorization_url, account)


@contextmanager
def started_process(
    endpoint: str,
    *,
    table_name: str | None = None,
    settings: Mapping[str, str] | None = None,
    **parts: Any,
) -> Iterator[Process]:
    """Start a process over this provider and, without `table_name`, a table of its own.

    DynamoDB's endpoint is the environment's; `settings` are further variables; `parts` are those
    of `harness.processes.composed`.
    """
    client = connect(PATIENT)
    clock = Clock()
    environment: Mapping[str, str] = {
        **function_variables(endpoint, table_name or new_table(client)),
        **(settings or {}),
    }
    try:
        with started(environment, "auth", client=client, clock=clock, **parts) as (handler, made):
            yield Process(
                handler=handler,
                services=made,
                client=client,
                table_name=environment["TABLE_NAME"],
                wire=Wire(client),
                clock=clock,
                environment=environment,
            )
    finally:
        client.close()


@contextmanager
def started_product(stand_in: StandIn, **settings: str) -> Iterator[Product]:
    """Start a process over the stand-in."""
    with started_process(stand_in.url, settings=settings) as process:
        parts = {name: getattr(process, name) for name in Process.__dataclass_fields__}
        yield Product(**parts, stand_in=stand_in)
