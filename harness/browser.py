"""A browser that calls a handler with API Gateway events: cookies, navigation, redirects."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from local.http_event import DOMAIN, http_event

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
"""A Lambda handler: event and context in, answer out."""

NAVIGATION = {
    "accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
}
FETCH = {"accept": "application/json", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A handler's answer, as a browser sees it."""

    status: int
    headers: Mapping[str, str]
    set_cookies: tuple[str, ...]
    body: str

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass(slots=True)
class Browser:
    """A browser with its cookie jar. `domain` is the one that API Gateway reports."""

    handler: Handler
    domain: str = DOMAIN
    stage: str = "$default"
    jar: dict[str, str] = field(default_factory=dict)

    @property
    def cookies(self) -> list[str]:
        """The jar's cookies, each as `name=value`."""
        return [f"{name}={value}" for name, value in self.jar.items()]

    def get(self, target: str, headers: Mapping[str, str] = NAVIGATION) -> Reply:
        """GET a path with its query, or a URL of this deployment."""
        return self.send("GET", target, headers)

    def post(self, target: str, headers: Mapping[str, str], form: str = "") -> Reply:
        """POST a form."""
        content_type = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", target, {**content_type, **headers}, form)

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: str | None = None
    ) -> Reply:
        """Send a request with the jar's cookies, and keep the cookies that the answer sets."""
        parts = urlsplit(target)
        event = http_event(
            method,
            parts.path,
            parts.query,
            headers=headers,
            cookies=self.cookies,
            body=body,
            domain=self.domain,
            stage=self.stage,
        )
        reply = read_answer(self.handler(event, None))
        for line in reply.set_cookies:
            self.keep(line)
        return reply

    def keep(self, set_cookie: str) -> None:
        """Put one Set-Cookie line into the jar."""
        for name, morsel in SimpleCookie(set_cookie).items():
            if morsel["max-age"] == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = morsel.value


def read_answer(answer: dict[str, Any]) -> Reply:
    """Read a handler's answer, and check that its shape is one that API Gateway accepts."""
    assert set(answer) <= {"statusCode", "headers", "cookies", "body", "isBase64Encoded"}
    assert isinstance(answer["statusCode"], int)
    headers = answer.get("headers", {})
    assert all(
        isinstance(name, str) and isinstance(value, str) and "\n" not in value + name
        for name, value in headers.items()
    )
    body = answer.get("body", "")
    if answer.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    return Reply(
        status=answer["statusCode"],
        headers={name.lower(): value for name, value in headers.items()},
        set_cookies=tuple(answer.get("cookies", ())),
        body=body,
    )
