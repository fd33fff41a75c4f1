"""Every answer is ready in time, however long each of its parts takes.

The parts of a request are its calls to DynamoDB and its requests to Logto. Here each takes, on a
clock that is moved by hand, no time, all the time that it may, or all of it and then fails. A draw
decides which. The real handlers run, with the limits that are deployed, and what they took is
compared with API Gateway's limits, Lambda's, and the lease.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from harness.browser import FETCH, Browser
from harness.functions import (
    ROUTE,
    SIGNING_KEY,
    TOKEN_SETTINGS,
    Authorizer,
    Notifications,
)
from harness.processes import started
from harness.product import DOMAIN, Product, started_product
from local.logto.server import StandIn
from local.template import functions_of, read_template
from shared.clock import Deadline, Timer
from shared.errors import ProviderSilent
from shared.limits import Limits
from shared.oidc.http_client import HttpClient, Response

LIMITS = Limits()
API_GATEWAY_SECONDS, AUTHORIZER_SECONDS = 30, 10
"""What API Gateway gives an HTTP API's integration, and a Lambda authorizer."""
TEMPLATE = read_template(Path(__file__).resolve().parent.parent.parent / "template.yaml")
LATE = ("fast", "fast", "fast", "slow", "fast", "slow", "lost", "slow")
"""A refresh that begins at once, and waits for Logto's metadata, its tokens, and then the table."""
DRAWS = ("slow", "lost", LATE, *range(10))
"""All parts slow, all of them lost, those of a refresh in turn, and seeds of draws."""
HERE = {"origin": f"https://{DOMAIN}"}


@dataclass
class Slow:
    """A clock that the parts of a request move, and how long each of them takes."""

    draw: Callable[[], str] = field(default=lambda: "fast")
    """How long the next part takes: no time while a test prepares."""
    now: float = 0.0
    parts: list[str] = field(default_factory=list)

    @property
    def timer(self) -> Timer:
        return Timer(lambda: self.now, self._sleep)

    def takes(self, seconds: float) -> bool:
        """Let one part take its time. Return whether it succeeds."""
        kind = self.draw()
        self.parts.append(kind)
        if kind != "fast":
            self.now += seconds
        return kind != "lost"

    def measured(self, drawn: str | int | tuple[str, ...], ask: Callable[[], object]) -> float:
        """Return the seconds that a request took."""
        began = self.now
        if isinstance(drawn, int):
            chance = random.Random(drawn)  # noqa: S311 - no secret
            self.draw = lambda: chance.choice(("fast", "slow", "lost"))
        else:
            turns = iter(drawn if isinstance(drawn, tuple) else ())
            last = drawn if isinstance(drawn, str) else "slow"
            self.draw = lambda: next(turns, last)
        self.parts.clear()
        try:
            ask()
        finally:
            self.draw = lambda: "fast"
        return self.now - began

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


class SlowTable:
    """A DynamoDB client whose calls take what the limits of an attempt allow."""

    def __init__(self, client: Any, slow: Slow) -> None:
        self._client, self._slow = client, slow
        self.meta = client.meta

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name == "close":
            return call

        def take_time(**arguments: Any) -> Any:
            succeeds = self._slow.takes(LIMITS.aws_attempt_seconds)
            answer = call(**arguments)  # applied, even if its answer is lost
            if not succeeds:
                raise ReadTimeoutError(endpoint_url="http://dynamodb.test")
            return answer

        return take_time


class SlowHttp(HttpClient):
    """Requests to Logto that take what is left of their exchange."""

    def __init__(self, slow: Slow) -> None:
        super().__init__(limits=LIMITS)
        self._slow = slow

    def _send(self, method: str, url: str, headers: Any, body: Any, deadline: Deadline) -> Response:
        seconds = deadline.within(LIMITS.exchange_seconds).left()
        succeeds = self._slow.takes(seconds)
        response = super()._send(method, url, headers, body, Deadline.after(30))
        if not succeeds:
            raise ProviderSilent("the answer came too late")
        return response


@dataclass(frozen=True, slots=True)
class Cold:
    """Processes that have done nothing yet, over slow parts, and a browser that is signed in."""

    slow: Slow
    auth: Browser
    authorizer: Authorizer
    notifications: Notifications
    browser: Browser
    product: Product

    def callback_url(self) -> str:
        return self.product.at_logto(self.auth.get("/sign-in").location)


@contextmanager
def cold(product: Product) -> Iterator[Cold]:
    slow = Slow()
    with ExitStack() as stack:
        handlers = {}
        for service, variables in (
            ("auth", {}),
            ("authorizer", TOKEN_SETTINGS),
            ("notifications", {"LOGTO_WEBHOOK_SIGNING_KEY": SIGNING_KEY}),
        ):
            handlers[service] = stack.enter_context(
                started(
                    {**product.environment, **variables},
                    service,
                    client=SlowTable(product.client, slow),
                    clock=product.clock,
                    limits=LIMITS,
                    timer=slow.timer,
                    http=SlowHttp(slow),
                )
            )
        browser = product.browser()
        product.sign_in(browser)
        handler, services = handlers["authorizer"]
        yield Cold(
            slow,
            Browser(handlers["auth"][0], domain=DOMAIN, jar=browser.jar),
            Authorizer(handler, services),
            Notifications(handlers["notifications"][0]),
            browser,
            product,
        )


@pytest.fixture
def product(
    stand_in: StandIn, dynamodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    with started_product(stand_in, **TOKEN_SETTINGS) as started:
        yield started


def suspension(product: Product) -> dict[str, Any]:
    created = datetime.fromtimestamp(product.clock(), UTC).isoformat()
    data = {"id": "alice0000001", "isSuspended": True}
    return {"event": "User.SuspensionStatus.Updated", "createdAt": created, "data": data}


Ask = Callable[[Cold], object]
PAGES: dict[str, tuple[Ask, float]] = {
    "GET /": (lambda c: c.auth.get("/"), LIMITS.page_seconds),
    "GET /me": (lambda c: c.auth.get("/me", FETCH), LIMITS.page_seconds),
    "GET /sign-in": (lambda c: c.auth.get("/sign-in"), LIMITS.page_seconds),
    "POST /sign-out": (lambda c: c.auth.post("/sign-out", HERE), LIMITS.sign_out_seconds),
    "POST /sign-out everywhere": (
        lambda c: c.auth.post("/sign-out?everywhere=true", HERE),
        LIMITS.sign_out_seconds,
    ),
    "POST /webhooks/logto": (
        lambda c: c.notifications.webhook(suspension(c.product)),
        LIMITS.message_seconds,
    ),
}


def longest(
    product: Product,
    ask: Ask | None = None,
    prepare: Callable[[Cold], Ask] | None = None,
) -> float:
    """Return the longest that a request took, over many draws of how long its parts take."""
    took = []
    for drawn in DRAWS:
        with cold(product) as processes:
            asked = prepare(processes) if prepare else ask
            assert asked is not None
            took.append(processes.slow.measured(drawn, lambda: asked(processes)))  # noqa: B023
    assert len(set(took)) > 2, "the draws make no difference"
    return max(took)


@pytest.mark.parametrize("name", PAGES)
def test_route_answers_within_its_limit(product: Product, name: str) -> None:
    ask, limit = PAGES[name]
    assert longest(product, ask) <= limit < API_GATEWAY_SECONDS


def test_callback_answers_within_its_limit(product: Product) -> None:
    def prepare(processes: Cold) -> Ask:
        url = processes.callback_url()
        return lambda c: c.auth.get(url)

    assert longest(product, prepare=prepare) <= LIMITS.page_seconds


@pytest.mark.parametrize("route", ["/orders", ROUTE])
def test_authorizer_answers_in_time_for_api_gateway(product: Product, route: str) -> None:
    took = longest(product, lambda c: c.authorizer.ask(c.browser, route=route))
    assert took <= LIMITS.authorizer_seconds < AUTHORIZER_SECONDS


def test_holder_of_a_lease_is_done_before_it_lapses(product: Product) -> None:
    """A rotated refresh token is stored even beyond the answer, and within the function's time."""
    for application in product.stand_in.state.tenant.applications.values():
        application.rotate_refresh_token_always = True
    took = longest(product, lambda c: c.authorizer.ask(c.browser, route=ROUTE))
    timeout = functions_of(TEMPLATE)["AuthorizerFunction"]["Timeout"]
    assert took <= LIMITS.lease_seconds < timeout


@pytest.mark.parametrize(
    ("function", "seconds"),
    [
        ("AuthFunction", max(LIMITS.page_seconds, LIMITS.sign_out_seconds)),
        ("AuthorizerFunction", LIMITS.authorizer_seconds),
        ("NotificationsFunction", LIMITS.message_seconds),
        ("AdminFunction", LIMITS.admin_seconds),
    ],
)
def test_function_is_not_cut_off_before_it_has_answered(function: str, seconds: float) -> None:
    assert seconds < functions_of(TEMPLATE)[function]["Timeout"]


def test_parts_of_a_refresh_fit_into_the_request_and_the_lease() -> None:
    late = LIMITS.authorizer_seconds - LIMITS.refresh_reserve_seconds
    assert LIMITS.lease_needs_seconds > LIMITS.redeem_needs_seconds
    assert LIMITS.redeem_needs_seconds > LIMITS.refresh_reserve_seconds
    assert late + LIMITS.persist_seconds < LIMITS.lease_seconds
    assert LIMITS.persist_seconds >= 2 * LIMITS.aws_attempt_seconds
