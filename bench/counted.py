"""The table and the stand-in as servers that count: calls, bytes, connections, capacity units."""

import asyncio
import io
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.units import units_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request as it came over the wire, and its answer. Bytes are of bodies alone."""

    service: str
    name: str
    sent: int
    received: int
    connection: int
    read_units: float = 0.0
    write_units: float = 0.0


class Counts:
    """Every call since the last `clear`, and the connections that they came over."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._known: set[tuple[str, int]] = set()

    def add(self, call: Call) -> None:
        self._calls.append(call)

    def clear(self) -> None:
        """Forget the calls; connections that were seen are not new any more."""
        self._known |= {(call.service, call.connection) for call in self._calls}
        self._calls = []

    def report(self) -> list[dict[str, Any]]:
        """Each call, and whether its connection is a new one."""
        seen, rows = set(self._known), []
        for call in self._calls:
            connection = (call.service, call.connection)
            rows.append({**asdict(call), "new_connection": connection not in seen})
            seen.add(connection)
        return rows


class CountedLogto:
    """ASGI around the stand-in. What browsers open there is not counted."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = received = 0

        async def receiving() -> Message:
            nonlocal sent
            message = await receive()
            sent += len(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal received
            received += len(message.get("body", b""))
            await send(message)

        await self._app(scope, receiving, sending)
        if _is_backchannel(scope):
            name = f"{scope['method']} {scope['path']}"
            port = scope["client"][1]
            self._counts.add(
                Call(service="logto", name=name, sent=sent, received=received, connection=port)
            )


def _is_backchannel(scope: Scope) -> bool:
    """Whether a server asked this, and no browser: by the paths that browsers never open."""
    paths = ("/oidc/token", "/oidc/jwks", "/oidc/me", "/oidc/.well-known", "/.well-known")
    return scope["type"] == "http" and scope["path"].startswith(paths)


Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class CountedTable:
    """moto's WSGI application as ASGI, one call after another.

    moto's own server closes a connection after every call; DynamoDB keeps them.
    """

    def __init__(self, app: Application, counts: Counts) -> None:
        self._app = app
        self._counts = counts
        self._turn = ThreadPoolExecutor(max_workers=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        loop = asyncio.get_running_loop()
        status, headers, answer = await loop.run_in_executor(self._turn, self._run, scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _run(self, scope: Scope, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        environ = _environ(scope, body)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        asked = json.loads(body or b"{}")
        deleted = units_of(operation, asked, {}) if operation == "DeleteItem" else None
        began: list[Any] = []
        answer = b"".join(self._app(environ, lambda *given: began.extend(given)))
        units = deleted or units_of(operation, asked, json.loads(answer or b"{}"))
        self._counts.add(
            Call(
                service="table",
                name=operation,
                sent=len(body),
                received=len(answer),
                connection=scope["client"][1],
                read_units=units.read,
                write_units=units.write,
            )
        )
        skipped = ("connection", "server", "date")
        headers = [
            (n.lower().encode(), v.encode()) for n, v in began[1] if n.lower() not in skipped
        ]
        return int(began[0].split()[0]), headers, answer


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
