"""The scene of an attack: a process of the product, the evil provider, and a witness of all that
is answered and written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from harness.browser import FETCH, NAVIGATION, Browser, Reply
from harness.product import DOMAIN, Process
from shared.limits import Limits
from tests.hostile.provider import SUBJECT, TOKEN, EvilProvider

SESSION = "__Host-session"


@dataclass(slots=True)
class Witnessed(Browser):
    """A browser that remembers every answer it got, and every secret it held."""

    replies: list[Reply] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def send(self, *args: Any, **named: Any) -> Reply:
        reply = Browser.send(self, *args, **named)
        self.replies.append(reply)
        self.secrets |= {value for value in self.jar.values() if len(value) >= 20}
        return reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A sign-in that has begun: what the browser carries to the provider."""

    browser: Witnessed
    state: str
    nonce: str

    def callback(self, **query: str | None) -> str:
        """Return a callback URL with these parameters; None leaves one out."""
        given = {"state": self.state, **query}
        return "/callback?" + "&".join(
            f"{name}={quote(value, safe='')}" for name, value in given.items() if value is not None
        )


@dataclass(slots=True)
class Scene:
    """A process of the product to attack; other processes of a test get its limits too."""

    process: Process
    provider: EvilProvider
    limits: Limits
    printed: Callable[[], str]
    browsers: list[Witnessed] = field(default_factory=list)

    def variables(self, **more: str) -> dict[str, str]:
        """Return the environment of further processes over this table and this provider."""
        return {
            "LOGTO_ENDPOINT": self.provider.url,
            "LOGTO_APP_ID": "local-app",
            "LOGTO_APP_SECRET": "local-app-secret",
            "TABLE_NAME": self.process.table_name,
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
            "POWERTOOLS_METRICS_DISABLED": "true",
            **more,
        }

    def browser(self) -> Witnessed:
        browser = Witnessed(self.process.handler, domain=DOMAIN)
        self.browsers.append(browser)
        return browser

    def begin(self, browser: Witnessed | None = None, query: str = "") -> Attempt:
        """Begin a sign-in."""
        browser = browser or self.browser()
        started = browser.get(f"/sign-in?{query}")
        assert started.status == 302, started.body
        sent = parse_qs(urlsplit(started.location).query)
        browser.secrets |= {sent["state"][0], sent["nonce"][0]}
        return Attempt(browser=browser, state=sent["state"][0], nonce=sent["nonce"][0])

    def finish(self, attempt: Attempt, **changes: str | None) -> Reply:
        """Send a callback that is valid except for these changes."""
        good: dict[str, str | None] = {
            "code": self.provider.code_for(attempt.nonce),
            "iss": self.provider.issuer,
        }
        return attempt.browser.get(attempt.callback(**{**good, **changes}))

    def signed_in(self) -> Witnessed:
        """Return a browser with a session of the provider's user."""
        attempt = self.begin()
        assert self.finish(attempt).status == 302
        assert self.who(attempt.browser) == SUBJECT
        return attempt.browser

    def who(self, browser: Witnessed) -> str | None:
        """Return the subject of the browser's session."""
        reply = browser.get("/me", FETCH)
        if reply.status == 401:
            return None
        assert reply.status == 200, reply.body
        subject: str = json.loads(reply.body)["sub"]
        return subject

    def refused(self, reply: Reply, *, token_requests: int | None = None) -> None:
        """Check for a refusal: a 4xx page that sets no cookie and shows no secret."""
        assert 400 <= reply.status < 500, (reply.status, reply.body)
        self.clean(reply, token_requests)

    def unavailable(self, reply: Reply, *, token_requests: int | None = None) -> None:
        """Check for an outage: a page with status 502 or 503."""
        assert reply.status in (502, 503), (reply.status, reply.body)
        self.clean(reply, token_requests)

    def clean(self, reply: Reply, token_requests: int | None) -> None:
        assert reply.set_cookies == ()
        assert reply.headers["cache-control"] == "no-store"
        assert "Traceback" not in reply.body
        assert reply.headers["x-correlation-id"] in reply.body
        if token_requests is not None:
            assert self.provider.count(TOKEN) == token_requests

    def rejected_over_a_live_session(
        self, act: Callable[[Attempt], Reply], *, token_requests: int | None = None
    ) -> None:
        """Check that a refused sign-in leaves the session that the browser had."""
        browser = self.signed_in()
        session = browser.jar[SESSION]
        self.provider.requests.clear()
        self.refused(act(self.begin(browser)), token_requests=token_requests)
        assert browser.jar[SESSION] == session
        assert self.who(browser) == SUBJECT

    def canaries(self) -> set[str]:
        """Return every secret, none of which may appear where it does not belong."""
        return self.provider.secrets.union(*(browser.secrets for browser in self.browsers))

    def search(self) -> None:
        """Search all that was answered and written for every canary."""
        written = self.printed()
        shown = "\n".join(
            self._shown(reply) for browser in self.browsers for reply in browser.replies
        )
        cookies = "\n".join(
            line
            for browser in self.browsers
            for reply in browser.replies
            for line in reply.set_cookies
        )
        for secret in self.canaries():
            assert secret not in written, "a secret was logged"
            assert secret not in shown, "a secret was answered"
        for secret in self.provider.secrets:
            assert secret not in cookies, "a secret is in a cookie"

    def _shown(self, reply: Reply) -> str:
        """Return an answer without the redirect to the provider, which carries `state` on purpose."""
        headers = dict(reply.headers)
        if headers.get("location", "").startswith(f"{self.provider.url}/"):
            del headers["location"]
        return f"{headers} {reply.body}"


PAGE = NAVIGATION
