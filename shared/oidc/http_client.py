"""Send HTTP requests to Logto: https or loopback only, no redirects, bounded time and size.

It uses urllib3, which botocore has loaded already. urllib3's timeouts apply to each read from the
socket: a peer that sends one byte a second, or `100 Continue` for ever, never exceeds them. So the
connection and the response here set the socket's timeout before each read to the time left.
"""

import io
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout, Url, parse_url

from shared.clock import Clock, Deadline
from shared.errors import ProviderMisbehaved, ProviderSilent, ProviderUnavailable
from shared.limits import Limits
from shared.observability import Span, no_span

_CHUNK_BYTES = 65_536
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """Status and body of a response; the body may contain tokens and is left out of `repr`."""

    status: int
    body: bytes = field(repr=False)


@dataclass(kw_only=True, slots=True)
class _Exchange:
    """The current exchange: its deadline, and whether its request was sent.

    The pools share one, because a process sends one request at a time.
    """

    limits: Limits
    deadline: Deadline
    sent: bool = False
    """Whether a byte of the request may have been sent: then its outcome is unknown on failure."""

    def begin(self, deadline: Deadline) -> None:
        self.deadline, self.sent = deadline, False

    def seconds(self, at_most: float = float("inf")) -> float:
        """Return the time that is left. Raises TimeoutError if there is none."""
        left = min(self.deadline.left(), at_most)
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        return left


class _BoundedReads(io.RawIOBase):
    """Reads from a socket, each limited to the time left of the exchange."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, exchange: _Exchange) -> None:
        super().__init__()
        self._sock, self._raw, self._exchange = sock, raw, exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.seconds())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedConnection(HTTPConnection):
    """A connection that never waits longer than the exchange may take."""

    def __init__(self, *args: Any, exchange: _Exchange, **named: Any) -> None:
        super().__init__(*args, **named)
        self._exchange = exchange

    def _new_conn(self) -> socket.socket:
        connected = _connect(self._dns_host, int(self.port or 0), self._exchange)
        for option in self.socket_options or ():
            connected.setsockopt(*option)
        # For the TLS handshake and for sending, which apply this timeout to the whole operation.
        connected.settimeout(self._exchange.seconds())
        return connected

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._exchange.sent = True
        super().send(data)

    def response_class(  # type: ignore[override] # called like the class that it replaces
        self, sock: socket.socket, *args: Any, **named: Any
    ) -> HTTPResponse:
        """Return a response of `http.client` whose reads of headers and body are bounded."""
        response = HTTPResponse(sock, *args, **named)
        # Its buffered reader wraps the raw socket: put the bounded reads between the two.
        unbounded: Any = response.fp
        response.fp = io.BufferedReader(_BoundedReads(sock, unbounded.detach(), self._exchange))
        return response


class _BoundedTLSConnection(_BoundedConnection, HTTPSConnection):
    """A TLS connection that never waits longer than the exchange may take."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTLSConnection


class HttpClient:
    """Connections to one provider, for one request at a time."""

    def __init__(self, *, limits: Limits, clock: Clock = time.time, span: Span = no_span) -> None:
        self._limits = limits
        self._clock = clock
        self._span = span
        self._exchange = _Exchange(limits=limits, deadline=Deadline(0.0))
        self._pools: dict[tuple[str | None, str | None, int | None], HTTPConnectionPool] = {}
        self._used_at = 0.0

    def get(
        self,
        url: str,
        *,
        deadline: Deadline,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """GET `url`. Raises ProviderUnavailable if it was not sent or the status is 429 or 5xx.

        Raises ProviderSilent if it was sent and no complete response arrived, and
        ProviderMisbehaved for a response that must not be used.
        """
        authorization = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self._send("GET", url, {**(headers or {}), **authorization}, None, deadline)

    def post_form(self, url: str, form: Mapping[str, str], *, deadline: Deadline) -> Response:
        """POST a form to `url` once, without retries: its code or token may be single-use.

        Raises as `get` does, but a 5xx is ProviderSilent: a proxy may send it after Logto has
        processed the request.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, headers, urlencode(form).encode(), deadline)

    def close(self) -> None:
        """Close every connection; the next request opens a new one."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, deadline: Deadline
    ) -> Response:
        exchange = self._exchange
        exchange.begin(deadline.within(self._limits.exchange_seconds))
        try:
            # The span's name has no URL: its query could hold a secret.
            with self._span(f"Logto {method}"):
                response = self._open(method, url, {**_HEADERS, **headers}, body)
                content = self._read(response)
        except (HTTPError, HTTPException, OSError, ValueError) as failure:
            kind = ProviderSilent if exchange.sent else ProviderUnavailable
            raise kind(f"{method}: {type(failure).__name__}") from None
        if response.status >= 500 and method == "POST":
            raise ProviderSilent(f"{method}: status {response.status}")
        if response.status == 429 or response.status >= 500:
            raise ProviderUnavailable(f"{method}: status {response.status}")
        if 300 <= response.status < 400:
            raise ProviderMisbehaved("the response is a redirect, which is never followed")
        return Response(status=response.status, body=content)

    def _open(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> BaseHTTPResponse:
        parts, seconds = parse_url(url), self._exchange.seconds()
        return self._pool(parts).urlopen(
            method,
            parts.request_uri,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=Timeout(connect=seconds, read=seconds),
            preload_content=False,
            decode_content=False,
        )

    def _read(self, response: BaseHTTPResponse) -> bytes:
        """Return the whole body; urllib3 raises if it is shorter than announced."""
        body = bytearray()
        try:
            # A small compressed body could expand beyond every limit.
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise ProviderMisbehaved("the response is compressed, which was not requested")
            for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
                body += chunk
                if len(body) > self._limits.body_bytes:
                    raise ProviderMisbehaved(
                        f"the response is larger than {self._limits.body_bytes} bytes"
                    )
        except BaseException:
            response.close()  # unread bytes must not be parsed as the next response
            raise
        response.release_conn()
        self._used_at = self._clock()
        return bytes(body)

    def _pool(self, parts: Url) -> HTTPConnectionPool:
        # urllib3 detects connections that the peer has closed, because they become readable. It
        # cannot detect those that a peer or a NAT dropped silently while the process was frozen, so
        # their age decides, by the wall clock: the monotonic one may stop in a frozen process.
        if not 0 <= self._clock() - self._used_at < self._limits.keep_alive_seconds:
            self.close()
        origin = (parts.scheme, parts.host, parts.port)
        if origin not in self._pools:
            host = parts.host or ""
            named: Any = {"exchange": self._exchange}
            if parts.scheme == "https":
                named["ssl_context"] = ssl.create_default_context()
                self._pools[origin] = _TLSPool(host, parts.port or 443, **named)
            else:
                self._pools[origin] = _Pool(host, parts.port or 80, **named)
        return self._pools[origin]


def _connect(host: str, port: int, exchange: _Exchange) -> socket.socket:
    """Return a socket to the first address that takes a connection. Raises OSError."""
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in _addresses(host, port, exchange):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(exchange.seconds(exchange.limits.connect_seconds))
            connected.connect(address)
        except OSError as refused:
            connected.close()
            failure = refused
        else:
            return connected
    raise failure


def _addresses(host: str, port: int, exchange: _Exchange) -> list[Any]:
    """Resolve a host name. Raises OSError, and UnicodeError for a name that cannot be one.

    The system's resolver has no timeout: it runs in a thread, which may have to be abandoned.
    """
    found: Future[list[Any]] = Future()

    def resolve() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as failure:
            found.set_exception(failure)

    Thread(target=resolve, daemon=True, name="resolver").start()
    return found.result(timeout=exchange.seconds(exchange.limits.connect_seconds))
