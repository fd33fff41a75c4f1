"""Parameters of a query or a form: each at most once, except `resource` (RFC 8707)."""

import base64
import binascii
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from local.oauth.errors import Refusal


class Parameters(dict[str, str]):
    """The values by name, without empty ones; `resources` holds every `resource`."""

    def __init__(self, encoded: str) -> None:
        super().__init__()
        self.resources: list[str] = []
        for name, value in parse_qsl(encoded, keep_blank_values=True):
            if name == "resource" and value:
                self.resources.append(value)
            elif name in self:
                raise Refusal("invalid_request", f"'{name}' parameter must not be provided twice")
            elif value:
                self[name] = value

    def need(self, name: str) -> str:
        """A value that must be there. Raises Refusal."""
        if name not in self:
            raise Refusal("invalid_request", f"missing required parameter(s) '{name}'")
        return self[name]


async def form(request: Request) -> Parameters:
    """A posted form's parameters. Raises Refusal where the body is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal("invalid_request", "only application/x-www-form-urlencoded bodies are read")
    return Parameters((await request.body()).decode("utf-8", "replace"))


def query(request: Request) -> Parameters:
    """The query's parameters."""
    return Parameters(request.url.query)


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic authentication (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid_request", "invalid authorization header value format") from None
    identifier, _, secret = decoded.partition(":")
    return unquote_plus(identifier), unquote_plus(secret)
