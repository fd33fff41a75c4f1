"""A proxy in front of the stand-in that makes one chosen request fail."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_KEPT = ("authorization", "content-type", "accept")


def _lost(handler: "_Handler", forward: Callable[[], Any]) -> None:
    """The request does not arrive."""
    handler.close_connection = True


def _answer_lost(handler: "_Handler", forward: Callable[[], Any]) -> None:
    """The request is carried out, but its response is lost."""
    forward()
    handler.close_connection = True


def _busy(handler: "_Handler", forward: Callable[[], Any]) -> None:
    """A proxy in front of the service is overloaded."""
    handler.reply(503, [("content-type", "text/html")], b"<html>busy</html>")


KINDS = {"lost": _lost, "answer lost": _answer_lost, "busy": _busy}


@dataclass(kw_only=True)
class Faults:
    """Which request fails, and how. Requests are forwarded to `target`."""

    target: str = ""
    url: str = ""
    count: int = 0
    kind: str = ""
    chosen: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    """Set when a request is held; it then waits for `go_on`."""
    go_on: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, kind: str, chosen: int) -> None:
        """Make the request with this number fail, counted from now on; the first has number 1."""
        self.count, self.kind, self.chosen = 0, kind, chosen

    def disarm(self) -> None:
        self.arm("", 0)

    def take(self) -> str:
        """Count a request, and return how it fails; empty if it does not."""
        with self.lock:
            self.count += 1
            return self.kind if self.count == self.chosen else ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    def _any(self) -> None:
        faults = self.server.faults
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = faults.take()
        if kind == "held":
            faults.held.set()
            faults.go_on.wait(timeout=60)
            self.close_connection = True
        elif kind:
            KINDS[kind](self, lambda: self._forward(body))
        else:
            self.reply(*self._forward(body))

    do_GET = do_POST = do_PATCH = do_DELETE = _any

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = urlsplit(self.server.faults.target)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
        headers = {name: self.headers[name] for name in _KEPT if name in self.headers}
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = faults


@contextmanager
def faulty_proxy() -> Iterator[Faults]:
    """Start the proxy. The caller sets its `target`."""
    faults = Faults()
    server = _Server(faults)
    faults.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield faults
    finally:
        faults.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
