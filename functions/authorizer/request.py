"""Parse the authorizer's event. Its fields are untrusted."""

from dataclasses import dataclass

from shared.errors import MalformedRequest
from shared.session_handle import SessionHandle
from shared.web.base_url import Site
from shared.web.http_api import UNKNOWN_METHOD, HttpApiRequest

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""


@dataclass(frozen=True, slots=True)
class AuthorizerRequest:
    """The properties of a request that decide whether it is authorized."""

    http: HttpApiRequest
    site: Site

    @classmethod
    def of(cls, http: HttpApiRequest) -> "AuthorizerRequest":
        """Parse an authorizer's event. Raises MalformedRequest, Misconfigured without a domain."""
        if http.method == UNKNOWN_METHOD:
            raise MalformedRequest("the event names no method")
        return cls(http, http.site)

    @property
    def authorization(self) -> str | None:
        """The `Authorization` header of a bearer token. One of another scheme proves nothing."""
        value = self.http.headers.get("authorization")
        scheme = value.split(maxsplit=1)[:1] if value is not None else []
        return value if [name.lower() for name in scheme] == ["bearer"] else None

    @property
    def session(self) -> SessionHandle | None:
        return self.site.cookies.session(self.http.cookie_header)

    @property
    def is_cached_without_bearer(self) -> bool:
        """Whether API Gateway may give this answer to a request with another bearer token."""
        sources = self.http.identity_sources
        return sources is not None and self.authorization not in sources

    @property
    def may_be_forged(self) -> bool:
        """Whether it may change something and another site may have initiated it."""
        return self.http.method not in _SAFE and not self.http.is_initiated_by(self.site)
