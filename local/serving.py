"""Sockets, and servers of ASGI applications that run in a thread while a context lasts."""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listen(hosts: tuple[str, ...], port: int) -> list[socket.socket]:
    """Listen on a port of each host; port 0 takes a free one for all of them.

    A host that this machine does not have (often `::1`) is left out. Raises OSError if the port is
    taken.
    """
    sockets: list[socket.socket] = []
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as failure:
            if sockets and failure.errno in _NO_SUCH_ADDRESS:
                continue
            close(sockets)
            raise
        # asyncio sets it only on sockets whose protocol says TCP, and that of accepted ones does
        # not. Without it, a second answer on a connection waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.append(listener)
        port = listener.getsockname()[1]
    return sockets


def close(sockets: list[socket.socket]) -> None:
    """Close these sockets."""
    for listener in sockets:
        listener.close()


@contextmanager
def serving(app: Any, sockets: list[socket.socket], *, name: str) -> Iterator[None]:
    """Serve an ASGI application on these sockets, and close them afterwards.

    They listen already, so clients that connect before the server is ready only wait a moment.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(sockets,), name=name)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        close(sockets)
