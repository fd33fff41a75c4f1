"""Determine the deployment's base URL, and build the URLs of its pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.errors import Misconfigured
from shared.parsing.urls import check_base, origin_of
from shared.web.cookies import Cookies

_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")


def transport_security(base_url: str | None) -> dict[str, str]:
    """Return the HSTS header (RFC 6797) for one year, if the deployment has a domain of its own.

    API Gateway's domain needs none: it does not serve plain HTTP.
    """
    if base_url is None or not base_url.startswith("https://"):
        return {}
    return {"strict-transport-security": "max-age=31536000"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A base URL without trailing slash; `https://` except for local hosts."""

    base_url: str

    @property
    def origin(self) -> str:
        return origin_of(self.base_url)

    @property
    def root(self) -> str:
        """The path prefix of every route: empty, or a stage or base path."""
        return urlsplit(self.base_url).path

    @property
    def cookies(self) -> Cookies:
        return Cookies.of(self.base_url)

    @property
    def redirect_uri(self) -> str:
        """The redirect URI to register at Logto."""
        return f"{self.base_url}/callback"

    @property
    def signed_out_uri(self) -> str:
        """The post-sign-out redirect URI to register at Logto."""
        return f"{self.base_url}/signed-out"

    @property
    def home_uri(self) -> str:
        """The URL of the start page."""
        return f"{self.base_url}/"

    def is_initiator(self, *, origin: str, fetch_site: str) -> bool:
        """Return whether this origin, or the user directly, initiated a request with these headers.

        An absent header is empty. A sibling domain is another origin. A client that sends neither
        header is not a current browser, so no other site controls it.
        """
        if origin and origin != self.origin:
            return False
        return fetch_site in ("", "none", "same-origin")

    def revalidation_path(self, connector: str | None, *, return_to: str = "") -> str:
        """Return the path of a sign-in that re-authenticates the user at Entra."""
        parameters = {"prompt": "login", "connector": connector, "return_to": return_to}
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{self.root}/sign-in?{query}"


def site_of(configured: str | None, request_context: Mapping[str, Any]) -> Site:
    """Return the configured base URL, else that of the domain that API Gateway reports.

    `Host` and `X-Forwarded-*` headers are ignored, because the client controls them. A named stage
    is part of the path on API Gateway's own domains only. Raises Misconfigured if neither is known.
    """
    if configured is not None:
        return Site(base_url=configured)
    domain, stage = request_context.get("domainName"), request_context.get("stage")
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        raise Misconfigured("the event has no domain name: set BASE_URL")
    on_stage = (
        isinstance(stage, str)
        and stage != "$default"
        and _STAGE.fullmatch(stage) is not None
        and ".execute-api." in domain
    )
    return Site(base_url=check_base(f"https://{domain.lower()}{f'/{stage}' if on_stage else ''}"))
