"""The stand-in as a server: the application, and a thread that runs it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.logto import authorization, console, discovery, end_session, management, screens, token
from local.logto import token_endpoints as issued
from local.logto import user_admin as directory
from local.logto.errors import Refusal, answer_refusal
from local.logto.keys import Algorithm
from local.logto.management.access import ApiRefusal, answer_api_refusal
from local.logto.state import Memory
from local.logto.tenant import Tenant
from local.microsoft import entra, graph
from local.microsoft.graph import GraphRefusal, answer_graph_refusal
from local.serving import listen, serving

Log = Callable[[str], None]


class _Recorder:
    """Notes each request by method and path. A query is a secret: it carries codes."""

    def __init__(self, app: ASGIApp, *, note: Callable[[str, str, int], None]) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope["method"], scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, noting)


def create_app(memory: Memory, note: Callable[[str, str, int], None]) -> Starlette:
    """The application over this memory; `note` hears of every answer."""
    pages = (discovery, authorization, token, issued, end_session, screens, entra, console)
    modules = (*pages, management, graph)
    app = Starlette(
        routes=[route for module in modules for route in module.routes],
        exception_handlers={
            Refusal: answer_refusal,
            ApiRefusal: answer_api_refusal,
            GraphRefusal: answer_graph_refusal,
        },
    )
    app.state.memory = memory
    app.add_middleware(_Recorder, note=note)
    return app


@dataclass(frozen=True, kw_only=True, slots=True)
class StandIn:
    """A running stand-in; what it does can be changed while it runs."""

    memory: Memory
    port: int
    requests: list[tuple[str, str]]

    @property
    def url(self) -> str:
        return self.memory.url

    @property
    def tenant(self) -> Tenant:
        return self.memory.tenant

    def rotate_keys(self, algorithm: Algorithm | None = None) -> None:
        """Sign with a new key; the earlier ones stay published."""
        self.memory.keys.rotate(algorithm)

    def retire_keys(self) -> None:
        """Publish the newest key alone."""
        self.memory.keys.retire()

    def suspend(self, user_id: str) -> None:
        """Suspend a user, as an administrator would; the webhooks have been told afterwards."""
        asyncio.run(directory.suspend(self.memory, user_id))

    def reinstate(self, user_id: str) -> None:
        """Lift a suspension."""
        asyncio.run(directory.suspend(self.memory, user_id, suspended=False))

    def delete(self, user_id: str) -> None:
        """Delete a user."""
        asyncio.run(directory.delete(self.memory, user_id))


@contextmanager
def running(
    tenant: Tenant,
    *,
    hosts: tuple[str, ...] = ("127.0.0.1",),
    port: int = 0,
    public_url: str | None = None,
    clock: Callable[[], float] = time.time,
    log: Log | None = None,
) -> Iterator[StandIn]:
    """Serve the stand-in from a thread while the context lasts.

    `public_url` is the endpoint that browsers and the product use; without it, it is the first of
    `hosts` with the port. Port 0 takes a free one. Raises OSError where a port is taken.
    """
    sockets = listen(hosts, port)
    bound = sockets[0].getsockname()[1]
    memory = Memory(tenant=tenant, url=public_url or f"http://{hosts[0]}:{bound}", clock=clock)
    requests: list[tuple[str, str]] = []

    def note(method: str, path: str, status: int) -> None:
        requests.append((method, path))
        if log is not None:
            log(f"{method} {path} -> {status}")

    with serving(create_app(memory, note), sockets, name="logto-stand-in"):
        yield StandIn(memory=memory, port=bound, requests=requests)
