"""Logto's peer on the wire: it drips, stays silent, floods, cuts off, or is somebody else."""

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.patience import PATIENT
from shared.clock import Deadline
from shared.errors import ProviderMisbehaved, ProviderSilent, ProviderUnavailable
from shared.limits import Limits
from shared.oidc.http_client import HttpClient, Response

SECONDS = 1.0
"""What an exchange may take where its peer is slow."""
SLOWNESS = 4 * SECONDS
"""How long a slow peer takes; then its answer is a good one."""
HASTY = replace(PATIENT, exchange_seconds=SECONDS)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NOWHERE = "192.0.2.1"
"""An address that never answers (RFC 5737)."""

Talk = Callable[[socket.socket], None]


class Peer(socketserver.ThreadingTCPServer):
    """A server on loopback that sends what a test tells it to."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.talk, self.tls = talk, tls
        self.connections: list[int] = []
        self.requests: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/oidc"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect, which these tests do on purpose."""


class _Conversation(socketserver.BaseRequestHandler):
    server: Peer

    def handle(self) -> None:
        self.server.connections.append(1)
        if self.server.tls is None:
            self._converse(self.request)
            return
        with self.server.tls.wrap_socket(
            self.request, server_side=True, do_handshake_on_connect=False
        ) as encrypted:
            encrypted.do_handshake()
            self._converse(encrypted)

    def _converse(self, sock: socket.socket) -> None:
        while received := _request(sock):
            self.server.requests.append(received)
            self.server.talk(sock)


def _request(sock: socket.socket) -> bytes:
    """Return the head of a request without a body, or nothing at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = sock.recv(65_536)
        if not part:
            return b""
        received += part
    return received


@contextmanager
def peer(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    server = Peer(talk, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client(limits: Limits = PATIENT, **parts: Any) -> Iterator[HttpClient]:
    http = HttpClient(limits=limits, **parts)
    try:
        yield http
    finally:
        http.close()


def get(http: HttpClient, url: str, seconds: float = 600) -> Response:
    return http.get(url, deadline=Deadline.after(seconds))


def says(answer: bytes) -> Talk:
    return lambda sock: sock.sendall(answer)


def drips(at_once: bytes, slowly: bytes) -> Talk:
    """Send bytes, and then others one at a time."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(at_once)
        for byte in slowly:
            time.sleep(SLOWNESS / len(slowly))
            sock.sendall(bytes([byte]))

    return talk


def continues(sock: socket.socket) -> None:
    """Say `100 Continue` again and again."""
    for _ in range(20):
        time.sleep(SLOWNESS / 20)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    sock.sendall(GOOD)


def hangs_up(sock: socket.socket) -> None:
    """Close the connection without an answer."""
    sock.shutdown(socket.SHUT_RDWR)


HEAD, BODY = GOOD[:-2], GOOD[-2:]
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
SLOW: dict[str, Talk] = {
    "drips its headers": drips(b"", GOOD),
    "drips one header": drips(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 20 + b"\r\nContent-Length: 0\r\n\r\n"),
    "drips its body": drips(LONG, b"{" + b" " * 38 + b"}"),
    "drips a body without end": drips(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"{}" * 20),
    "drips chunks": drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 9 + b"0\r\n\r\n"),
    "endless 100 Continue": continues,
}  # fmt: skip


@pytest.mark.parametrize("kind", SLOW)
def test_drip_of_bytes_is_given_up_at_the_limit(kind: str) -> None:
    """Each byte arrives soon, so a limit for single reads is never reached."""
    with peer(SLOW[kind]) as slow, client(HASTY) as http:
        with pytest.raises(ProviderSilent):
            get(http, slow.url)
        assert len(slow.connections) == 1


def test_drip_over_tls_is_given_up_at_the_limit(certificate: ssl.SSLContext) -> None:
    slow = peer(SLOW["drips its body"], certificate)
    with slow as server, client(HASTY) as http, pytest.raises(ProviderSilent):
        get(http, server.url)


def test_drip_is_given_up_at_the_deadline_of_the_request() -> None:
    with peer(SLOW["drips its body"]) as slow, client() as http, pytest.raises(ProviderSilent):
        get(http, slow.url, seconds=SECONDS)


def test_deadline_that_has_passed_sends_nothing() -> None:
    with peer(says(GOOD)) as good, client() as http:
        with pytest.raises(ProviderUnavailable):
            get(http, good.url, seconds=0)
        assert good.connections == []


def test_silent_peer_that_never_accepts_is_given_up() -> None:
    """The system accepts the connection and the request, but the program reads neither."""
    with socket.create_server(("127.0.0.1", 0)) as listener, client(HASTY) as http:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/oidc"
        with pytest.raises(ProviderSilent):
            get(http, url)


def post(http: HttpClient, url: str) -> Response:
    return http.post_form(url, {}, deadline=Deadline.after(600))


@pytest.mark.parametrize("send", [get, post])
def test_peer_that_hangs_up_is_not_asked_again(send: Callable[[HttpClient, str], Response]) -> None:
    with peer(hangs_up) as rude, client() as http:
        with pytest.raises(ProviderSilent):
            send(http, rude.url)
        assert len(rude.connections) == len(rude.requests) == 1


def test_refused_connection_after_a_good_exchange_is_unavailable() -> None:
    with client() as http:
        with peer(says(GOOD)) as good:
            assert get(http, good.url).body == b"{}"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        with pytest.raises(ProviderUnavailable) as failure:
            get(http, f"http://127.0.0.1:{closed}/oidc")
    assert failure.type is ProviderUnavailable  # and not ProviderSilent: nothing was sent


SHORT = {
    "by one byte": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
    "of all": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    "before the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
}


@pytest.mark.parametrize("cut", SHORT)
def test_short_answer_is_refused(cut: str) -> None:
    """JSON that is cut off can still be valid JSON."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(SHORT[cut])
        sock.shutdown(socket.SHUT_RDWR)

    with peer(talk) as cutting, client() as http, pytest.raises(ProviderSilent):
        get(http, cutting.url)


SIZE = Limits().body_bytes
LENGTHS: dict[str, Callable[[int], bytes]] = {
    "said": lambda size: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b" " * size,
    "not said": lambda size: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * size,
    "in one chunk": lambda size: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size
        + b" " * size
        + b"\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("length", LENGTHS)
def test_large_answer_is_refused(length: str) -> None:
    def talk(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it is not read to its end
            sock.sendall(LENGTHS[length](sizes.pop(0)))
        if length == "not said":
            sock.shutdown(socket.SHUT_RDWR)

    sizes = [SIZE, SIZE + 1]
    with peer(talk) as large, client() as http:
        assert len(get(http, large.url).body) == SIZE
        with pytest.raises(ProviderMisbehaved):
            get(http, large.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_not_followed(status: int) -> None:
    """The target is not requested, and the redirect is not accepted as an answer."""
    answers = [
        b"HTTP/1.1 %d Moved\r\nLocation: /oidc/x\r\nContent-Length: 0\r\n\r\n" % status,
        GOOD,
    ]
    with peer(lambda sock: sock.sendall(answers.pop(0))) as moved, client() as http:
        with pytest.raises(ProviderMisbehaved):
            get(http, moved.url)
        assert len(moved.requests) == 1


def test_connection_that_was_idle_too_long_is_not_used_again() -> None:
    """If the clock has gone back, the idle time is unknown, and it is not used either."""
    now = [1_800_000_000.0]
    keep = PATIENT.keep_alive_seconds
    with peer(says(GOOD)) as good, client(clock=lambda: now[0]) as http:
        for later, connections in ((0, 1), (keep - 1, 1), (keep, 2), (-10, 3), (0, 3)):
            now[0] += later
            get(http, good.url)
            assert len(good.connections) == connections


def test_name_that_resolves_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found, waiting = socket.getaddrinfo, threading.Event()

    def slowly(*args: Any, **named: Any) -> Any:
        waiting.wait(SLOWNESS)
        return found(*args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with peer(says(GOOD)) as good, client(replace(PATIENT, connect_seconds=0.2)) as http:
        with pytest.raises(ProviderUnavailable):
            get(http, good.url)
        assert good.connections == []
    waiting.set()


@pytest.mark.parametrize("failure", [socket.gaierror(), UnicodeError()])
def test_name_that_cannot_be_resolved_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with client() as http, pytest.raises(ProviderUnavailable):
        get(http, "http://logto.test/oidc")


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses, of which `NOWHERE` takes all the time that it gets."""
    tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*tcp, a) for a in addresses])
    connect = socket.socket.connect

    def connecting(self: socket.socket, address: Any) -> None:
        if address[0] != NOWHERE:
            connect(self, address)
            return
        seconds = self.gettimeout()
        assert seconds is not None, "the system's own limit is minutes"
        time.sleep(min(seconds, SLOWNESS))
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", connecting)


def test_second_address_is_tried_if_the_first_never_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first gets a part of the time, so that there is some left for the second."""
    limits = replace(PATIENT, exchange_seconds=SLOWNESS, connect_seconds=0.1)
    with peer(says(GOOD)) as good, client(limits) as http:
        resolve_to(monkeypatch, (NOWHERE, good.port), ("127.0.0.1", good.port))
        assert get(http, f"http://logto.test:{good.port}/oidc").body == b"{}"


def test_next_address_is_tried_if_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with peer(says(GOOD)) as good, client() as http:
        resolve_to(monkeypatch, ("127.0.0.1", closed), ("127.0.0.1", good.port))
        assert get(http, f"http://logto.test:{good.port}/oidc").body == b"{}"


def test_address_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (NOWHERE, 80))
    limits = replace(PATIENT, connect_seconds=0.1)
    with client(limits) as http, pytest.raises(ProviderUnavailable):
        get(http, "http://logto.test/oidc")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for 127.0.0.1, which this machine trusts for the test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "logto.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_trusted_certificate_is_accepted(certificate: ssl.SSLContext) -> None:
    with peer(says(GOOD), certificate) as good, client() as http:
        assert get(http, good.url).body == b"{}"


def test_certificate_of_another_name_is_refused(certificate: ssl.SSLContext) -> None:
    with peer(says(GOOD), certificate) as other, client() as http:
        with pytest.raises(ProviderUnavailable):
            get(http, f"https://localhost:{other.port}/oidc")
        assert other.requests == []


def test_certificate_of_an_unknown_authority_is_refused(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with peer(says(GOOD), certificate) as stranger, client() as http:
        with pytest.raises(ProviderUnavailable):
            get(http, stranger.url)
        assert stranger.requests == []
