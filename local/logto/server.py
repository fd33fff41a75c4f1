"""The stand-in as a server: the application, and the thread that runs it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.logto import (
    authorization,
    connector_callback,
    console,
    discovery,
    end_session,
    management,
    screens,
    token,
    token_endpoints,
    user_admin,
)
from local.logto.keys import Algorithm
from local.logto.management.access import ApiRefusal, answer_api_refusal
from local.logto.state import StandInState
from local.logto.tenant import Tenant
from local.microsoft import entra, graph
from local.microsoft.graph import GraphRefusal, answer_graph_refusal
from local.oauth.errors import Refusal, answer_refusal
from local.serving import listen, serving

Log = Callable[[str], None]


class _Recorder:
    """Record each request by method and path. Its query is a secret: it can hold a code."""

    def __init__(self, app: ASGIApp, *, note: Callable[[str, str, int], None]) -> None:
        self._app = app
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope["method"], scope["path"], message["status"])
            await send(message)

        await self._app(scope, receive, noting)


def create_app(state: StandInState, note: Callable[[str, str, int], None]) -> Starlette:
    """Make the application over a state. `note` is called with method, path and status."""
    logto = (
        *(discovery, authorization, token, token_endpoints, end_session, screens),
        *(connector_callback, console, management),
    )
    modules = (*logto, entra, graph)
    app = Starlette(
        routes=[route for module in modules for route in module.routes],
        exception_handlers={
            Refusal: answer_refusal,
            screens.UnknownSession: screens.answer_unknown_session,
            ApiRefusal: answer_api_refusal,
            GraphRefusal: answer_graph_refusal,
        },
    )
    app.state.stand_in = state
    app.state.microsoft = state.microsoft
    app.add_middleware(_Recorder, note=note)
    return app


@dataclass(frozen=True, kw_only=True, slots=True)
class StandIn:
    """A running stand-in. Its tenant and its keys can be changed while it runs."""

    state: StandInState
    port: int
    requests: list[tuple[str, str]]

    @property
    def url(self) -> str:
        return self.state.url

    @property
    def tenant(self) -> Tenant:
        return self.state.tenant

    def rotate_keys(self, algorithm: Algorithm | None = None) -> None:
        """Sign with a new key, and keep publishing the previous one."""
        self.state.keys.rotate(algorithm)

    def retire_keys(self) -> None:
        """Publish the newest key only."""
        self.state.keys.retire()

    def suspend(self, user_id: str) -> None:
        """Suspend a user, as an administrator does, and send the webhooks."""
        asyncio.run(user_admin.suspend(self.state, user_id))

    def reinstate(self, user_id: str) -> None:
        """Lift a suspension, and send the webhooks."""
        asyncio.run(user_admin.suspend(self.state, user_id, suspended=False))

    def delete(self, user_id: str) -> None:
        """Delete a user, and send the webhooks."""
        asyncio.run(user_admin.delete(self.state, user_id))


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

    `public_url` is the endpoint that browsers and the product use, by default the first of `hosts`
    with the port. Port 0 takes a free one. Raises OSError if the port is taken.
    """
    sockets = listen(hosts, port)
    bound = sockets[0].getsockname()[1]
    state = StandInState(tenant=tenant, url=public_url or f"http://{hosts[0]}:{bound}", clock=clock)
    requests: list[tuple[str, str]] = []

    def note(method: str, path: str, status: int) -> None:
        requests.append((method, path))
        if log is not None:
            log(f"{method} {path} -> {status}")

    with serving(create_app(state, note), sockets, name="logto-stand-in"):
        yield StandIn(state=state, port=bound, requests=requests)
