"""What the authorizer reads of an event; anything can be in one."""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import MalformedRequest
from shared.settings import Settings
from shared.web.base_url import Site, site_of

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizerRequest:
    """A request that somebody wants let through."""

    site: Site
    route: str
    """The path of the route, as the API declares it."""
    method: str
    headers: Mapping[str, str] = field(repr=False)
    cookie_header: bytes = field(repr=False)
    correlation_id: str
    kept_without_bearer: bool
    """Whether API Gateway may keep the answer for requests that bring another bearer token."""
    began: float = field(default_factory=time.monotonic)
    """When the request came in, by `time.monotonic`."""

    @classmethod
    def of(cls, event: Mapping[str, Any], settings: Settings) -> "AuthorizerRequest":
        """Raises Misconfigured where the event names no domain, and MalformedRequest."""
        context = _mapping(event.get("requestContext"))
        headers = {
            name.lower(): value
            for name, value in _mapping(event.get("headers")).items()
            if isinstance(name, str) and isinstance(value, str)
        }
        method = _mapping(context.get("http")).get("method")
        if not isinstance(method, str) or not method.isascii() or not method.isalpha():
            raise MalformedRequest("the event names no method")
        given = context.get("requestId")
        known = isinstance(given, str) and _REQUEST_ID.fullmatch(given)
        return cls(
            site=site_of(settings.base_url, context),
            route=_route(event, context),
            method=method.upper(),
            headers=headers,
            cookie_header=_cookie_header(event, headers),
            correlation_id=str(given) if known else uuid.uuid4().hex,
            kept_without_bearer=_kept_without(event, headers.get("authorization")),
        )

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")

    @property
    def session_secret(self) -> str | None:
        return self.site.cookies.session_secret(self.cookie_header)

    @property
    def could_be_forged(self) -> bool:
        """Whether it changes something and a foreign site may have sent it with the cookie."""
        return self.method not in _SAFE and not self.site.is_asked_by(
            origin=self.headers.get("origin", ""),
            fetch_site=self.headers.get("sec-fetch-site", ""),
        )


def _route(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    key = event.get("routeKey") or context.get("routeKey")
    return key.partition(" ")[2] if isinstance(key, str) else ""


def _kept_without(event: Mapping[str, Any], authorization: str | None) -> bool:
    """An authorizer with identity sources may keep its answers by them."""
    sources = event.get("identitySource")
    return isinstance(sources, list) and bool(sources) and authorization not in sources


def _cookie_header(event: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """`cookies` wins over a `cookie` header, as API Gateway sends it."""
    cookies = event.get("cookies")
    if isinstance(cookies, list) and cookies:
        text = "; ".join(cookie for cookie in cookies if isinstance(cookie, str))
    else:
        text = headers.get("cookie", "")
    return text.encode("latin-1", "replace")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
