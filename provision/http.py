"""JSON over HTTPS to one service: one try a call, bounded time and size, no redirects followed."""

import ssl
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from provision.errors import NoAnswer, Unreachable
from shared.parsing.urls import is_plain_http_host

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Status, headers, and the body: JSON, or None where it is none."""

    status: int
    headers: httpx.Headers
    body: Any


class Http:
    """One connection pool to one service; `name` is what a person calls it.

    Proxies of the environment are used, except on the way to this machine itself.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def send(self, method: str, path: str, **options: Any) -> Answer:
        """Send one request; `options` are httpx's. Raises Unreachable, mostly NoAnswer."""
        try:
            with self._client.stream(method, self.base + path, **options) as response:
                raw = bytearray()
                for chunk in response.iter_bytes():
                    raw += chunk
                    if len(raw) > MAX_BYTES:
                        raise Unreachable(f"{self.name} at {self.base} answered with too much")
                return _answer(response, bytes(raw))
        except httpx.TimeoutException:
            why = f"did not answer within {TIMEOUT_SECONDS:.0f} seconds"
        except httpx.TransportError as failure:
            why = f"cannot be reached ({type(failure).__name__})"
        except (httpx.InvalidURL, UnicodeError):
            raise Unreachable(f"{self.name} at {self.base} has a host name that is none") from None
        raise NoAnswer(
            f"{self.name} at {self.base} {why}: check the address and the network, and run it again"
        )


def _is_local(base: str) -> bool:
    try:
        return is_plain_http_host(urlsplit(base).hostname)
    except ValueError:
        return False


@cache
def _authorities() -> ssl.SSLContext:
    """The certificate authorities, read once: it takes longer than most requests."""
    return httpx.create_ssl_context()


def _answer(response: httpx.Response, raw: bytes) -> Answer:
    try:
        body = httpx.Response(200, content=raw).json() if raw else None
    except ValueError:
        body = None
    return Answer(status=response.status_code, headers=response.headers, body=body)
