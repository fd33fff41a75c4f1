"""Read an API Gateway HTTP API event (payload 2.0), once, for every function.

Anybody can write most of an event, and a test or a schedule the whole of it. Whatever its shape,
reading it raises nothing: a field of the wrong type counts as absent. `functions.*.request` are
views of what is read here.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from shared.web.base_url import Site, site_of

UNKNOWN_METHOD = "UNKNOWN"
"""The method of an event that names none, or one that cannot be."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,64}")
_METHOD = re.compile(r"[A-Z]{1,16}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_QUERY_SAFE = "%&=+!$'()*,-./:;?@_~"
_NEVER_READ = frozenset(
    {
        "host",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
    }
)
"""Headers in which the client says what it speaks to, and through what. No URL is built from them,
and a framework must not see them: Mangum fails if one is not a host and a port."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpApiRequest:
    """An event's request. Every field is untrusted except those of `requestContext`."""

    method: str
    path: str
    """The path below the deployment's root, always with a slash first."""
    query: bytes = field(repr=False)
    """As sent, percent-encoded; it may hold a code."""
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name, without cookies."""
    cookie_header: bytes = field(repr=False)
    body: bytes | None = field(repr=False)
    """None if it cannot be decoded although the event says that it is base64."""
    source_ip: str | None = field(repr=False)
    """The address that API Gateway saw."""
    route: str
    """The path of the route as the API declares it, or empty."""
    identity_sources: tuple[str, ...] | None = field(repr=False)
    """The values by which API Gateway may cache an authorizer's answer; None if it may not."""
    correlation_id: str
    """API Gateway's request id, which its access log has too; else one made here."""
    request_context: Mapping[str, Any] = field(repr=False)
    base_url: str | None

    @classmethod
    def of(cls, event: object, *, base_url: str | None) -> "HttpApiRequest":
        """Read an event of any shape. `base_url` is the configured one, if there is one."""
        fields = _mapping(event)
        context = _mapping(fields.get("requestContext"))
        http = _mapping(context.get("http"))
        method = _text(http.get("method")).upper()
        headers = _headers(fields)
        cookie_header = headers.pop("cookie", "")
        path = _text(fields.get("rawPath")) or _text(http.get("path")) or "/"
        return cls(
            method=method if _METHOD.fullmatch(method) else UNKNOWN_METHOD,
            path=_below_root(path, base_url, _text(context.get("stage"))),
            query=quote(_text(fields.get("rawQueryString")), safe=_QUERY_SAFE).encode(),
            headers=headers,
            cookie_header=_cookie_header(fields, cookie_header),
            body=_body(fields),
            source_ip=_text(http.get("sourceIp"))[:64] or None,
            route=_route(fields, context),
            identity_sources=_identity_sources(fields),
            correlation_id=_correlation_id(context),
            request_context=context,
            base_url=base_url,
        )

    @property
    def is_request(self) -> bool:
        """Whether the event is of an HTTP request, and not of a schedule that keeps a process warm.

        Nobody waits for an answer to the latter, so it is answered but neither checked nor counted.
        """
        return isinstance(self.request_context.get("http"), Mapping)

    @property
    def site(self) -> Site:
        """The deployment's own URL. Raises Misconfigured if neither settings nor event name it."""
        return site_of(self.base_url, self.request_context)

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        return self.headers.get(name, "")

    def is_initiated_by(self, site: Site) -> bool:
        """Return whether this origin, or the user directly, initiated the request."""
        return site.is_initiator(
            origin=self.header("origin"), fetch_site=self.header("sec-fetch-site")
        )


def _below_root(path: str, base_url: str | None, stage: str) -> str:
    """Return the path without that of the base URL, and without the stage's."""
    path = path if path.startswith("/") else f"/{path}"
    for root in (urlsplit(base_url or "").path, f"/{stage}" if stage != "$default" else ""):
        root = root.rstrip("/")
        if root and (path == root or path.startswith(f"{root}/")):
            return path.removeprefix(root) or "/"
    return path


def _headers(fields: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.lower(): _header_value(value)
        for name, value in _mapping(fields.get("headers")).items()
        if isinstance(name, str)
        and isinstance(value, str)
        and _HEADER_NAME.fullmatch(name)
        and name.lower() not in _NEVER_READ
    }


def _cookie_header(fields: Mapping[str, Any], header: str) -> bytes:
    """Return what `cookies` holds, which API Gateway sends, else a header of an older format."""
    cookies = fields.get("cookies")
    if isinstance(cookies, list) and cookies:
        header = "; ".join(_header_value(cookie) for cookie in cookies if isinstance(cookie, str))
    return header.encode("latin-1", "replace")


def _body(fields: Mapping[str, Any]) -> bytes | None:
    text = _text(fields.get("body"))
    if fields.get("isBase64Encoded") is not True:
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _route(fields: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    key = fields.get("routeKey") or context.get("routeKey")
    return key.partition(" ")[2] if isinstance(key, str) else ""


def _identity_sources(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    sources = fields.get("identitySource")
    if not isinstance(sources, list) or not sources:
        return None
    return tuple(source for source in sources if isinstance(source, str))


def _correlation_id(context: Mapping[str, Any]) -> str:
    given = context.get("requestId")
    if isinstance(given, str) and _REQUEST_ID.fullmatch(given):
        return given
    return uuid.uuid4().hex


def _header_value(value: str) -> str:
    """Return the value with what cannot have come in a header line spoiled."""
    return "".join(c if c == "\t" or " " <= c != "\x7f" else "?" for c in _text(value))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Return text that has a UTF-8 form: JSON can name halves of characters, which have none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
