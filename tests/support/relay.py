"""A relay of TCP connections to a server on this machine, which can cut all of them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """A relay with its connections, which can be cut."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.target = ("127.0.0.1", 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def taken(self) -> int:
        return len(self._pairs)

    def towards(self, url: str) -> None:
        """Set the server that connections go to from now on."""
        parts = urlsplit(url)
        self.target = (str(parts.hostname), int(parts.port or 0))

    def cut(self) -> int:
        """Close all connections, as a peer does with idle ones, and return how many were open."""
        open_ = 0
        for pair in self._pairs:
            open_ += pair[0].fileno() >= 0
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        return open_

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.target)
                self._pairs.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relaying() -> Iterator[Relay]:
    """Run a relay while the context lasts. `towards` sets its target."""
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        relay.cut()
