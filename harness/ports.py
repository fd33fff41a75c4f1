"""Ports for servers that do not choose one themselves."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Find ports of this machine that are free at the moment."""
    with ExitStack() as listeners:
        sockets = [
            listeners.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in sockets]
