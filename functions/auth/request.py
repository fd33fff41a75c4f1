"""A browser's request: a view of the event, with the services that answer it."""

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
"""Its name in the event that the ASGI application is given."""


@dataclass(frozen=True)
class BrowserRequest:
    """One request to this deployment, and the services bound to its deadline."""

    http: HttpApiRequest
    site: Site
    services: Services

    @classmethod
    def of(cls, connection: HTTPConnection) -> "BrowserRequest":
        """Return the view that this invocation's handler made."""
        browser: BrowserRequest = connection.scope["aws.event"][SCOPE_KEY]
        return browser

    @property
    def correlation_id(self) -> str:
        return self.http.correlation_id

    @property
    def path(self) -> str:
        """The path below the deployment's root."""
        return self.http.path

    @property
    def cookies(self) -> Cookies:
        return self.site.cookies

    @cached_property
    def session(self) -> SessionHandle | None:
        """The session cookie's handle. Raises nothing: a cookie of another shape is none."""
        return self.cookies.session(self.http.cookie_header)

    @property
    def sessions(self) -> tuple[SessionHandle, ...]:
        """Handles of every session cookie that was sent: what a sign-out ends."""
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
        """The browser's name for itself, as far as it can be shown."""
        agent = "".join(c for c in self.http.header("user-agent") if c.isprintable())
        return agent[:256] or None

    @property
    def wants_page(self) -> bool:
        """Whether a person navigates: by Fetch Metadata if the browser sends it."""
        mode = self.http.header("sec-fetch-mode")
        if mode:
            return mode == "navigate"
        return "text/html" in self.http.header("accept").lower()

    @property
    def is_prefetch(self) -> bool:
        """Whether the browser asks ahead of a navigation that may never come."""
        purpose = self.http.header("sec-purpose") + self.http.header("purpose")
        return "prefetch" in purpose.lower()

    @property
    def comes_from_here(self) -> bool:
        """Whether this origin, or the person by hand, made the request."""
        return self.http.is_same_site(self.site)
