"""Parameters of a query or a form: each at most once, except `resource` (RFC 8707)."""

import base64
import binascii
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from local.oauth.errors import Refusal


class Parameters(dict[str, str]):
    """Values by name, without empty ones. `resources` holds all values of `resource`."""

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
        """Get a required value. Raises Refusal."""
        if name not in self:
            raise Refusal("invalid_request", f"missing required parameter(s) '{name}'")
        return self[name]


async def form(request: Request) -> Parameters:
    """Parse a posted form. Raises Refusal if the body is not a valid form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal("invalid_request", "only application/x-www-form-urlencoded bodies are read")
    return Parameters((await request.body()).decode("utf-8", "replace"))


def query(request: Request) -> Parameters:
    """Parse the query. Raises Refusal."""
    return Parameters(request.url.query)


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Read client id and secret from HTTP Basic authentication (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid_request", "invalid authorization header value format") from None
    identifier, _, secret = decoded.partition(":")
    return unquote_plus(identifier), unquote_plus(secret)
