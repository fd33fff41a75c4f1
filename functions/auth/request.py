"""Provide a browser's request to the routes, together with its services."""

from dataclasses import dataclass
from functools import cached_property

from starlette.requests import HTTPConnection

from shared.parsing.form import parse_query
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie, Cookies
from shared.web.http_api import HttpApiRequest

SCOPE_KEY = "browser_request"
"""The request's member in the event that the ASGI application gets."""


@dataclass(frozen=True)
class BrowserRequest:
    """One request to this deployment, and the services bound to its deadline."""

    http: HttpApiRequest
    site: Site
    services: Services

    @classmethod
    def of(cls, connection: HTTPConnection) -> "BrowserRequest":
        """Return the request of this invocation."""
        browser: BrowserRequest = connection.scope["aws.event"][SCOPE_KEY]
        return browser

    @property
    def correlation_id(self) -> str:
        return self.http.correlation_id

    @property
    def path(self) -> str:
        """The path without the deployment's prefix."""
        return self.http.path

    @property
    def cookies(self) -> Cookies:
        return self.site.cookies

    @cached_property
    def session(self) -> SessionHandle | None:
        """The session cookie's handle; None also for a malformed cookie."""
        return self.cookies.session(self.http.cookie_header)

    @property
    def sessions(self) -> tuple[SessionHandle, ...]:
        """The handles of all session cookies: a sign-out ends each."""
        return self.cookies.sessions(self.http.cookie_header)

    @property
    def browser_cookies(self) -> tuple[BrowserCookie, ...]:
        return self.cookies.browser_cookies(self.http.cookie_header)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters. Raises MalformedRequest."""
        return parse_query(self.http.query)

    @property
    def client_agent(self) -> str | None:
        """The printable part of `User-Agent`."""
        agent = "".join(c for c in self.http.header("user-agent") if c.isprintable())
        return agent[:256] or None

    @property
    def wants_page(self) -> bool:
        """Whether the user is navigating: by Fetch Metadata if the browser sends it."""
        mode = self.http.header("sec-fetch-mode")
        if mode:
            return mode == "navigate"
        return "text/html" in self.http.header("accept").lower()

    @property
    def is_prefetch(self) -> bool:
        """Whether the browser fetches the page in advance, without the user's decision."""
        purpose = self.http.header("sec-purpose") + self.http.header("purpose")
        return "prefetch" in purpose.lower()

    @property
    def is_same_origin(self) -> bool:
        """Whether this origin, or the user directly, initiated the request."""
        return self.http.is_initiated_by(self.site)
