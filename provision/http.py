"""JSON over HTTPS to one service: one try per call, bounded time and size, no redirects."""

import ssl
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from provision.errors import NoAnswer, Unreachable
from provision.machine import Proxy, authorities, proxy_for
from provision.waiting import waiting_for
from shared.parsing.urls import is_plain_http_host

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 8 * 1024 * 1024
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"


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
        """Raise ProvisionFailed if a setting of this machine for the network is not valid."""
        self.base = base
        self.name = name
        self._proxy = proxy_for(base) if _is_remote(base) else None
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            proxy=self._proxy.address if self._proxy else None,
            verify=_trusted(base, self._proxy),
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
        check = "the address and the network"
        try:
            with (
                waiting_for(self.name.replace("The ", "the ")),
                self._client.stream(method, self.base + path, **options) as response,
            ):
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
        except httpx.RequestError as failure:
            reason = f"cannot be reached ({type(failure).__name__})"
            if _UNTRUSTED in str(failure):
                reason = "has a certificate that this machine does not trust"
                check = (
                    "the address, and name the certificate authority in SSL_CERT_FILE if it is "
                    "your own"
                )
        except (httpx.InvalidURL, UnicodeError):
            raise Unreachable(
                f"{service} does not have a valid host name.", "Check the address."
            ) from None
        if self._proxy:
            check = f"{self._proxy.variable}, {check}"
        raise NoAnswer(f"{service} {reason}.", f"Check {check}, and run the command again.")


def _is_remote(base: str) -> bool:
    """Tell whether a URL leads to another machine. One that is not valid leads nowhere."""
    try:
        host = urlsplit(base).hostname
    except ValueError:
        return False
    return host is not None and not is_plain_http_host(host)


def _trusted(base: str, proxy: Proxy | None) -> ssl.SSLContext:
    """Return the authorities to trust: none if nothing is encrypted on the way."""
    if base.startswith("https:") or (proxy and proxy.address.url.scheme == "https"):
        return authorities()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _parsed(response: httpx.Response, raw: bytes) -> JsonResponse:
    try:
        body = httpx.Response(200, content=raw).json() if raw else None
    except ValueError:
        body = None
    return JsonResponse(status=response.status_code, headers=response.headers, body=body)
