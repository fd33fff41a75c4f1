"""The name by which the browser and the containers of `sam local` call this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

HOST: Final = "host.localhost"
"""Browsers resolve every name below `localhost` to the machine that they run on (RFC 6761 6.3).
In a container it is the machine outside of it, by the option `--add-host` of the SAM CLI."""


@contextmanager
def localhost_names() -> Iterator[None]:
    """Let this process resolve every name below `localhost` as browsers do.

    Not every system's resolver knows them.
    """
    resolve = socket.getaddrinfo

    def resolve_like_browsers(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and name.endswith(".localhost"):
            host = "localhost"
        return resolve(host, *arguments, **options)

    socket.getaddrinfo = resolve_like_browsers
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
