"""The subjects of the measurements, each a function under the emulator, and a person at it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.builds import Builds
from bench.world import World
from harness.browser import FETCH, NAVIGATION, Browser, Handler, Reply
from harness.environment import function_variables
from harness.functions import authorizer_event
from harness.product import DOMAIN
from harness.rie import Function, emulated
from harness.sign_in_robot import Robot

BASE_URL: Final = f"https://{DOMAIN}"
HERE: Final = {**NAVIGATION, "sec-fetch-site": "same-origin"}
EMPTY, ONE_READ = "empty handler", "empty handler and one read"
TUTORIAL, TUTORIAL_COMPILED = "tutorial", "tutorial, compiled"
EXPRESS, PLAIN, OURS = "express-openid-connect", "ours, sam build", "ours"
AUTHORIZER_PLAIN, AUTHORIZER = "authorizer, sam build", "authorizer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A handler with its code and further variables. `node` runs it on Node."""

    name: str
    handler: str
    code: Path
    layer: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    node: bool = False

    @contextmanager
    def running(self, world: World, table: str, client: Path) -> Iterator[Function]:
        """Run one execution environment while the context lasts."""
        variables = {
            **function_variables(world.logto, table, dynamodb=world.table),
            "POWERTOOLS_TRACE_DISABLED": "true",
            **self.variables,
        }
        layer = self.layer or self.code
        node = ("runtime.js",) if self.node else ()
        runtime = {"runtime": (str(shutil.which("node")), *node)} if self.node else {}
        with emulated(self.handler, self.code, layer, client, variables, **runtime) as function:
            yield function


def all_subjects(builds: Builds) -> dict[str, Subject]:
    """Make all subjects, by name."""
    subjects = [
        Subject(name=EMPTY, handler="app.handler", code=builds.empty),
        Subject(
            name=ONE_READ,
            handler="app.handler",
            code=builds.one_read,
            layer=builds.finished / "SharedLayer/python",
        ),
        _tutorial(TUTORIAL, builds.tutorial),
        _tutorial(TUTORIAL_COMPILED, builds.tutorial_compiled),
        _ours(PLAIN, builds.plain, "auth", "AuthFunction"),
        _ours(OURS, builds.finished, "auth", "AuthFunction"),
        _ours(AUTHORIZER_PLAIN, builds.plain, "authorizer", "AuthorizerFunction"),
        _ours(AUTHORIZER, builds.finished, "authorizer", "AuthorizerFunction"),
    ]
    if builds.express is not None:
        subjects.append(
            Subject(
                name=EXPRESS,
                handler="app.handler",
                code=builds.express,
                variables={
                    "BASE_URL": BASE_URL,
                    "NODE_ENV": "production",
                    "SESSION_SECRET": "a-secret-of-thirty-two-characters",
                },
                node=True,
            )
        )
    return {subject.name: subject for subject in subjects}


def _tutorial(name: str, code: Path) -> Subject:
    return Subject(name=name, handler="app.handler", code=code, variables={"BASE_URL": BASE_URL})


def _ours(name: str, build: Path, function: str, folder: str) -> Subject:
    return Subject(
        name=name,
        handler=f"functions.{function}.app.handler",
        code=build / folder,
        layer=build / "SharedLayer/python",
    )


class _Browser(Browser):
    """A browser that also accepts a cookie in a header, which API Gateway passes on."""

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: str | None = None
    ) -> Reply:
        reply = super().send(method, target, headers, body)
        if "set-cookie" in reply.headers:
            self.keep(reply.headers["set-cookie"])
        return reply


@dataclass(slots=True)
class Person:
    """A browser at a subject, and at the stand-in."""

    function: Handler
    world: World
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = _Browser(self.function, domain=DOMAIN)

    def start(self) -> str:
        """Start a sign-in; the URL at Logto that it redirects to."""
        return _redirected(self.browser.get("/sign-in")).location

    def at_logto(self, url: str) -> str:
        """Sign in at Logto; the callback URL that it redirects to."""
        with Robot(self.world.logto) as robot:
            return robot.sign_in(url)

    def finish(self, callback_url: str) -> None:
        """Open the callback URL."""
        _redirected(self.browser.get(callback_url))

    def sign_in(self) -> None:
        """Sign in, from start to finish."""
        self.finish(self.at_logto(self.start()))

    def home(self) -> Reply:
        """Open the home page of a signed-in person."""
        reply = self.browser.get("/")
        if reply.status != 200 or "Alice" not in reply.body:
            raise RuntimeError(f"not signed in: {reply.status} {reply.body[:200]}")
        return reply

    def me(self) -> Reply:
        """Get the identity as JSON, which only this product offers."""
        return self.browser.get("/me", FETCH)

    def sign_out(self) -> None:
        """End the session here, and follow to Logto."""
        _redirected(self.browser.get("/sign-out", HERE))

    def authorizer_event(self, route: str = "/orders") -> dict[str, Any]:
        """Build the authorizer's event for a request of this browser."""
        return authorizer_event(route=route, cookies=self.browser.cookies)


def _redirected(reply: Reply) -> Reply:
    if reply.status not in (302, 303):
        raise RuntimeError(f"not redirected: {reply.status} {reply.body[:200]}")
    return reply
