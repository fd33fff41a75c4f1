"""An HTTP_PROXY integration of an HTTP API: it forwards requests with mapped parameters.

Source: the AWS documentation of HTTP API private and HTTP proxy integrations, and of parameter
mapping with its reserved headers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

SECONDS: Final = 29.0
"""How long API Gateway waits for an integration."""
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailers",
        b"transfer-encoding",
        b"upgrade",
    }
)
_RESERVED: Final = re.compile(
    r"(access-control-|apigw-|x-amzn?-).*|authorization|connection|content-(encoding|length|location)"
    r"|forwarded|keep-alive|origin|proxy-.*|te|trailers|transfer-encoding|upgrade|via"
    r"|x-forwarded-(for|host|proto)",
    re.IGNORECASE,
)
"""Headers that a mapping must not change, by API Gateway's rules."""
_CONTEXT: Final = "$context.authorizer."
_TARGET: Final = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?/\{proxy\}"
)
"""An origin and the rest of the path. With a path in between, `..` in the rest could leave it."""


@dataclass(frozen=True, slots=True)
class HeaderMapping:
    """One line of `requestParameters`: an action on a header, and the source of its value."""

    action: str
    header: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Relay:
    """The target of a route. `{proxy}` in `uri` stands for the rest of the path."""

    uri: str
    mappings: tuple[HeaderMapping, ...]

    @classmethod
    def of(cls, uri: str, parameters: Mapping[str, str]) -> "Relay":
        """Parse a relay as `template.yaml` declares it.

        Raises ValueError if the target is more than an origin, as its parameter's pattern does, and
        if API Gateway would refuse a mapping.
        """
        if not _TARGET.fullmatch(uri):
            raise ValueError(
                "UpstreamUrl (UPSTREAM_URL) must be an origin without a path and without a slash at"
                " the end, such as https://api.example.com"
            )
        return cls(uri=uri, mappings=tuple(_mapping(k, v) for k, v in parameters.items()))

    async def send(
        self, request: Request, rest: str, body: bytes, context: Mapping[str, Any]
    ) -> Response:
        """Forward a request; the other server's answer, or 502 or 503 if there is none.

        Headers are passed on as bytes: their encoding is a matter of the client and the server.
        """
        headers = self._headers(request, context)
        query = request.scope["query_string"].decode("latin-1")
        url = self.uri.replace("{proxy}", quote(rest, safe="/%:@!$&'()*+,;=~-._"))
        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
                answer = await client.request(
                    request.method,
                    f"{url}?{query}" if query else url,
                    headers=headers,
                    content=body,
                )
        except httpx.TimeoutException:
            return JSONResponse({"message": "Service Unavailable"}, 503)
        except httpx.HTTPError:
            return JSONResponse({"message": "Bad Gateway"}, 502)
        response = Response(answer.content, answer.status_code)
        response.raw_headers += [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower() not in (_HOP_BY_HOP | {b"content-encoding"})
        ]
        return response

    def _headers(self, request: Request, context: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
        headers = [(n, v) for n, v in request.headers.raw if n.lower() not in _HOP_BY_HOP]
        for mapping in self.mappings:
            name, value = mapping.header.encode(), _value(mapping.value, context)
            if mapping.action != "append":
                headers = [(n, v) for n, v in headers if n.lower() != name.lower()]
            if mapping.action != "remove" and value is not None:
                headers.append((name, value.encode()))
        return headers


def _mapping(key: str, value: str) -> HeaderMapping:
    action, _, target = key.partition(":")
    header = target.removeprefix("header.")
    if action not in ("append", "overwrite", "remove") or header == target:
        raise ValueError(f"{key} is not a valid mapping of a request header")
    if _RESERVED.fullmatch(header):
        raise ValueError(f"operations on the header {header} are restricted")
    return HeaderMapping(action, header, value)


def _value(source: str, context: Mapping[str, Any]) -> str | None:
    if source.startswith(_CONTEXT):
        found = context.get(source.removeprefix(_CONTEXT))
        return found if isinstance(found, str) else None
    return source.strip("'")
