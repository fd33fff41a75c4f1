"""moto's DynamoDB behind a server that keeps connections open, as DynamoDB does.

moto's own server closes each connection after one answer.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from starlette.types import Receive, Scope, Send

from local.serving import listen, serving

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class KeptTable:
    """A WSGI application as ASGI, which answers one request at a time."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._turn = ThreadPoolExecutor(max_workers=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        loop = asyncio.get_running_loop()
        status, headers, answer = await loop.run_in_executor(self._turn, self.answer, scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, scope: Scope, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Answer one request: status, headers and body."""
        start: list[Any] = []
        answer = b"".join(self._app(_environ(scope, body), lambda *given: start.extend(given)))
        hop_by_hop = ("connection", "server", "date")
        headers = [
            (name.lower().encode(), value.encode())
            for name, value in start[1]
            if name.lower() not in hop_by_hop
        ]
        return int(start[0].split()[0]), headers, answer


@contextmanager
def kept_table(make: Callable[[Application], KeptTable] = KeptTable) -> Iterator[str]:
    """Serve moto while the context lasts; its endpoint."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    sockets = listen(("127.0.0.1",), 0)
    endpoint = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    with serving(make(DomainDispatcherApplication(create_backend_app)), sockets, name="table"):
        yield endpoint


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    headers = {name.decode().upper().replace("-", "_"): v.decode() for name, v in scope["headers"]}
    return {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode(),
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name}": value for name, value in headers.items()},
    }
