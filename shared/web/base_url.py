"""The origin that this deployment answers under, and the URLs of its own pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.errors import Misconfigured
from shared.parsing.urls import check_base, is_plain_http_host, origin_of
from shared.web.cookies import Cookies

_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")


def transport_security(base_url: str | None) -> dict[str, str]:
    """The header by which browsers keep to https for a year, on a domain of the deployment's own.

    API Gateway's domain needs none: nothing listens there but https (RFC 6797).
    """
    if base_url is None or not base_url.startswith("https://"):
        return {}
    return {"strict-transport-security": "max-age=31536000"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A base URL without trailing slash, `https://` but for loopback hosts."""

    base_url: str

    @property
    def origin(self) -> str:
        return origin_of(self.base_url)

    @property
    def root(self) -> str:
        """The path that every route hangs under: empty, or a stage or base path."""
        return urlsplit(self.base_url).path

    @property
    def cookies(self) -> Cookies:
        parts = urlsplit(self.base_url)
        plain = parts.scheme == "http" and is_plain_http_host(parts.hostname)
        return Cookies(secure=not plain)

    @property
    def redirect_uri(self) -> str:
        """The redirect URI to register at Logto."""
        return f"{self.base_url}/callback"

    @property
    def home_uri(self) -> str:
        """The post-sign-out redirect URI to register at Logto."""
        return f"{self.base_url}/"

    def is_asked_by(self, *, origin: str, fetch_site: str) -> bool:
        """Whether a request with these headers (empty where absent) comes from this origin, or
        from the person by hand.

        `Origin` decides where it is sent, then `Sec-Fetch-Site`; a sibling domain is another
        origin. A client that sends neither is no current browser, and is taken by its word.
        """
        if origin and origin != self.origin:
            return False
        return fetch_site in ("", "none", "same-origin")

    def revalidation_path(self, connector: str | None, *, return_to: str = "") -> str:
        """The path under which Entra is asked anew whether a user may go on."""
        asked = {"prompt": "login", "connector": connector, "return_to": return_to}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self.root}/sign-in?{query}"


def site_of(configured: str | None, request_context: Mapping[str, Any]) -> Site:
    """The configured base URL, else the domain that API Gateway itself reports.

    A `Host` or `X-Forwarded-*` header never counts: whoever sends the request writes it. The path
    of a named stage belongs to the URL on API Gateway's own domains only. Raises Misconfigured
    where neither is known.
    """
    if configured is not None:
        return Site(base_url=configured)
    domain, stage = request_context.get("domainName"), request_context.get("stage")
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        raise Misconfigured("the request names no domain: set BASE_URL")
    on_stage = (
        isinstance(stage, str)
        and stage != "$default"
        and _STAGE.fullmatch(stage) is not None
        and ".execute-api." in domain
    )
    return Site(base_url=check_base(f"https://{domain.lower()}{f'/{stage}' if on_stage else ''}"))
