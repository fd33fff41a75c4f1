"""The application over given services: routes, boundary, and the handler that Lambda calls."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from starlette.exceptions import HTTPException

from functions.auth import edge
from functions.auth.boundary import Boundary, refused
from functions.auth.routes import assets, callback, home, me, sign_in, sign_out
from shared.services import Services
from shared.web.base_url import transport_security

TEXT = ["text/", "application/json", "application/problem+json"]
"""Bodies of these types are sent as they are, every other one as base64."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app(services: Services) -> FastAPI:
    """The application over these services."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.services = services
    for module in (home, sign_in, callback, sign_out, me, assets):
        app.include_router(module.router)
    app.add_middleware(Boundary, services=services)
    app.add_exception_handler(HTTPException, refused)
    return app


def make_handler(services: Services, loop: asyncio.AbstractEventLoop) -> Handler:
    """A Lambda handler; whatever the event holds, the answer is one that API Gateway takes.

    Every invocation runs on `loop`, so connections outlive the invocation that opened them. Lambda
    sends a process one event at a time; whoever sends several has them answered one by one.
    """
    turn = threading.Lock()
    transport = transport_security(services.settings.base_url)
    asyncio.set_event_loop(loop)
    adapter = Mangum(create_app(services), lifespan="off", text_mime_types=TEXT)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            asyncio.set_event_loop(loop)
            reply = edge.answer(event, context, adapter=adapter, services=services)
            return {**reply, "headers": {**reply["headers"], **transport}}

    return handler
