"""Provide a browser's request to the routes, together with its services."""

from dataclasses import dataclass
from functools import cached_property

from starlette.requests import HTTPConnection

from functions.auth.after_sign_out import AfterSignOut
from shared.errors import MalformedRequest
from shared.parsing.form import parse_query
from shared.services import Services
from shared.session_handle import SessionHandle
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie, Cookies
from shared.web.http_api import HttpApiRequest

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers by which browsers and frameworks say that they prefetch."""
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
    def after_sign_out(self) -> AfterSignOut | None:
        """What is left of a sign-out that this browser is in the middle of."""
        value = self.cookies.sign_out(self.http.cookie_header)
        return AfterSignOut.of_cookie(value, self.services.settings)

    def query(self, reads: frozenset[str], *, free: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return the query's parameters of these names. Raises MalformedRequest.

        Those in `free` may have any value; see `parse_query`.
        """
        return parse_query(self.http.query, reads=reads, free=free)

    @property
    def has_form(self) -> bool:
        """Whether the body is a form of the only type that is read."""
        return self.http.content_type == "application/x-www-form-urlencoded"

    def form(self, reads: frozenset[str], *, free: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return the form's parameters of these names, as `query` does. Raises MalformedRequest."""
        if not self.has_form:
            raise MalformedRequest("the body is not a form")
        return parse_query(self.http.body or b"", reads=reads, free=free)

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
        purposes = " ".join(map(self.http.header, _PURPOSES)).lower()
        return any(word in purposes for word in ("prefetch", "prerender", "preview"))

    @property
    def is_subresource(self) -> bool:
        """Whether a page loads this as a part of itself: an image, script, fetch or frame."""
        mode, dest = self.http.header("sec-fetch-mode"), self.http.header("sec-fetch-dest")
        return mode not in ("", "navigate") or dest not in ("", "document")

    @property
    def is_deliberate_navigation(self) -> bool:
        """Whether the user opens this page in a tab now, by hand or from a page of this origin.

        A client that does not tell what it loads is not a current browser. It is taken at its word,
        unless another header shows that it loads a part of a page or comes from another site.
        """
        if self.is_prefetch or self.is_subresource or not self.is_same_origin:
            return False
        mode, dest = self.http.header("sec-fetch-mode"), self.http.header("sec-fetch-dest")
        if mode or dest:
            return bool(mode and dest and self.http.header("sec-fetch-site"))
        accept, referer = self.http.header("accept").lower(), self.http.header("referer")
        if self.http.header("x-requested-with") or (accept and not _accepts_page(accept)):
            return False
        return not referer or f"{referer}/".startswith(f"{self.site.origin}/")

    @property
    def is_same_origin(self) -> bool:
        """Whether this origin, or the user directly, initiated the request."""
        return self.http.is_initiated_by(self.site)


def _accepts_page(accept: str) -> bool:
    """Return whether a client without Fetch Metadata may want a page: images are named first."""
    return "text/html" in accept or accept.startswith("*/*")
