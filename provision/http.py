"""JSON over HTTPS to one service: one try per call, bounded time and size, no redirects."""

import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from provision.errors import NoAnswer, Unreachable
from shared.parsing.urls import is_plain_http_host

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonResponse:
    """A response. `body` is the parsed JSON, or None if the body is not JSON."""

    status: int
    headers: httpx.Headers
    body: Any


class JsonClient:
    """A connection pool to one service. Error texts call the service by `name`.

    The proxies of the environment are used, except on the way to this machine itself.
    """

    def __init__(self, base: str, *, name: str) -> None:
        self.base = base
        self.name = name
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=not _is_local(base),
            verify=_authorities(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, **options: Any) -> JsonResponse:
        """Send one request; `options` are httpx's.

        Raises NoAnswer, and Unreachable for a host name or a response that cannot be right.
        """
        service = f"{self.name} at {self.base}"
        try:
            with self._client.stream(method, self.base + path, **options) as response:
                raw = bytearray()
                for chunk in response.iter_bytes():
                    raw += chunk
                    if len(raw) > MAX_BYTES:
                        raise Unreachable(
                            f"{service} sent more than {MAX_BYTES} bytes.", "Check the address."
                        )
                return _parsed(response, bytes(raw))
        except httpx.TimeoutException:
            reason = f"did not answer within {TIMEOUT_SECONDS:.0f} seconds"
        except httpx.TransportError as failure:
            reason = f"cannot be reached ({type(failure).__name__})"
        except (httpx.InvalidURL, UnicodeError):
            raise Unreachable(
                f"{service} does not have a valid host name.", "Check the address."
            ) from None
        raise NoAnswer(
            f"{service} {reason}.",
            "Check the address and the network, and run the command again.",
        )


def _is_local(base: str) -> bool:
    try:
        return is_plain_http_host(urlsplit(base).hostname)
    except ValueError:
        return False


@cache
def _authorities() -> ssl.SSLContext:
    """Read the certificate authorities once: reading them takes longer than most requests."""
    return httpx.create_ssl_context()


def _parsed(response: httpx.Response, raw: bytes) -> JsonResponse:
    try:
        body = httpx.Response(200, content=raw).json() if raw else None
    except ValueError:
        body = None
    return JsonResponse(status=response.status_code, headers=response.headers, body=body)
