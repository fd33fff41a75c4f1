"""What a route asks of its request, in one place."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Scope

from shared.parsing.form import parse_query
from shared.services import Services
from shared.web.base_url import Site
from shared.web.cookies import BrowserCookie, Cookies


@dataclass(frozen=True, slots=True)
class BrowserRequest:
    """One request to this deployment."""

    request: Request

    @classmethod
    def of(cls, scope: Scope) -> "BrowserRequest":
        return cls(Request(scope))

    @property
    def site(self) -> Site:
        site: Site = self.request.scope["aws.event"]["site"]
        return site

    @property
    def services(self) -> Services:
        services: Services = self.request.app.state.services
        return services

    @property
    def correlation_id(self) -> str:
        return str(self.request.scope["aws.event"]["correlationId"])

    @property
    def path(self) -> str:
        """The path below the deployment's root."""
        return str(self.request.scope["path"])

    @property
    def cookies(self) -> Cookies:
        return self.site.cookies

    @property
    def session_secret(self) -> str | None:
        return self.cookies.session_secret(self._cookie_header)

    @property
    def session_secrets(self) -> tuple[str, ...]:
        return self.cookies.session_secrets(self._cookie_header)

    @property
    def browser_cookies(self) -> tuple[BrowserCookie, ...]:
        return self.cookies.browser_cookies(self._cookie_header)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters. Raises MalformedRequest."""
        return parse_query(self.request.scope["query_string"])

    def header(self, name: str) -> str:
        """A header's value, or empty."""
        return self.request.headers.get(name, "")

    @property
    def client_ip(self) -> str | None:
        """The address that API Gateway saw."""
        address: str = self.request.scope["aws.event"]["requestContext"]["http"]["sourceIp"]
        return address[:64] or None

    @property
    def client_agent(self) -> str | None:
        """The browser's name for itself, as far as it can be shown."""
        agent = "".join(c for c in self.header("user-agent") if c.isprintable())
        return agent[:256] or None

    @property
    def wants_page(self) -> bool:
        """Whether a person navigates: by Fetch Metadata where the browser sends it."""
        mode = self.header("sec-fetch-mode")
        return mode == "navigate" if mode else "text/html" in self.header("accept").lower()

    @property
    def is_prefetch(self) -> bool:
        """Whether the browser asks ahead of a navigation that may never come."""
        return "prefetch" in (self.header("sec-purpose") + self.header("purpose")).lower()

    @property
    def comes_from_here(self) -> bool:
        """Whether this origin, or the person by hand, made the request."""
        return self.site.is_asked_by(
            origin=self.header("origin"), fetch_site=self.header("sec-fetch-site")
        )

    @property
    def _cookie_header(self) -> bytes:
        values = [value for name, value in self.request.scope["headers"] if name == b"cookie"]
        return b"; ".join(values)
