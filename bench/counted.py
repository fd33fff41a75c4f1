"""Servers for the table and the stand-in that count calls, bytes, connections and units."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.units import units_of
from harness.kept_table import Application, KeptTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request on the wire and its answer. `sent` and `received` are bytes of the bodies only."""

    service: str
    name: str
    sent: int
    received: int
    connection: int
    read_units: float = 0.0
    write_units: float = 0.0


class Counts:
    """The calls since the last `clear`, and the connections that they used."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._known: set[tuple[str, int]] = set()

    def add(self, call: Call) -> None:
        self._calls.append(call)

    def clear(self) -> None:
        """Forget the calls. Their connections count as known from now on."""
        self._known |= {(call.service, call.connection) for call in self._calls}
        self._calls = []

    def report(self) -> list[dict[str, Any]]:
        """Report each call, and whether its connection is a new one."""
        seen, rows = set(self._known), []
        for call in self._calls:
            connection = (call.service, call.connection)
            rows.append({**asdict(call), "new_connection": connection not in seen})
            seen.add(connection)
        return rows


class CountedLogto:
    """ASGI middleware around the stand-in. Requests of browsers are not counted."""

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
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._add(scope, sent, received)  # before the client can continue
            await send(message)

        await self._app(scope, receiving, sending)

    def _add(self, scope: Scope, sent: int, received: int) -> None:
        if _is_backchannel(scope):
            name, port = f"{scope['method']} {scope['path']}", scope["client"][1]
            self._counts.add(
                Call(service="logto", name=name, sent=sent, received=received, connection=port)
            )


def _is_backchannel(scope: Scope) -> bool:
    """Whether the request is from a server: browsers never open these paths."""
    paths = ("/oidc/token", "/oidc/jwks", "/oidc/me", "/oidc/.well-known", "/.well-known")
    path: str = scope["path"]
    return path.startswith(paths)


class CountedTable(KeptTable):
    """moto's DynamoDB, which counts its calls."""

    def __init__(self, app: Application, counts: Counts) -> None:
        super().__init__(app)
        self._counts = counts

    def answer(self, scope: Scope, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
        operation, request = target.rpartition(".")[2], json.loads(body or b"{}")
        before = units_of(operation, request, {})
        status, headers, answer = super().answer(scope, body)
        after = units_of(operation, request, json.loads(answer or b"{}"))
        self._counts.add(
            Call(
                service="table",
                name=operation,
                sent=len(body),
                received=len(answer),
                connection=scope["client"][1],
                read_units=after.read,
                # An item counts with the larger of its sizes before and after.
                write_units=max(before.write, after.write),
            )
        )
        return status, headers, answer
