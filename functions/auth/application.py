"""Assemble the application from its routes, and make the handler that Lambda calls."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from starlette.exceptions import HTTPException

from functions.auth.boundary import Boundary, router_refusal
from functions.auth.mangum_event import mangum_event, nothing_to_do, problem_without_page
from functions.auth.request import BrowserRequest
from functions.auth.routes import assets, callback, home, me, sign_in, sign_out, signed_out
from shared.errors import MalformedRequest, Misconfigured
from shared.services import Services
from shared.web.base_url import transport_security
from shared.web.http_api import HttpApiRequest

TEXT = ["text/", "application/json", "application/problem+json"]
"""Types of bodies that are sent as text; all others are sent as base64."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app(services: Services) -> FastAPI:
    """Return the ASGI application; each request carries its own services."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for module in (home, sign_in, callback, sign_out, signed_out, me, assets):
        app.include_router(module.router)
    app.add_middleware(Boundary, observer=services.observer)
    app.add_exception_handler(HTTPException, router_refusal)
    return app


def make_handler(services: Services, loop: asyncio.AbstractEventLoop) -> Handler:
    """Return a Lambda handler, which returns a valid response to any event.

    Lambda sends a process one event at a time; concurrent callers are served in turn. Mangum needs
    an event loop; nothing here waits on it.
    """
    turn = threading.Lock()
    transport = transport_security(services.settings.base_url)
    asyncio.set_event_loop(loop)  # Mangum's constructor needs it too
    adapter = Mangum(create_app(services), lifespan="off", text_mime_types=TEXT)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            asyncio.set_event_loop(loop)
            reply = _answer(event, context, adapter, services)
            return {**reply, "headers": {**reply["headers"], **transport}}

    return handler


def _answer(event: object, context: Any, adapter: Mangum, services: Services) -> dict[str, Any]:
    """Answer an event of any shape, by problem+json if it cannot reach the application."""
    http = HttpApiRequest.of(event, base_url=services.settings.base_url)
    if not http.is_request:
        return nothing_to_do(http.correlation_id)
    services.observer.begin(context, correlation_id=http.correlation_id)
    limits = services.limits
    seconds = limits.sign_out_seconds if http.path == "/sign-out" else limits.page_seconds
    try:
        browser = BrowserRequest(http, http.site, services.begin(seconds))
    except Misconfigured as failure:
        services.observer.problem("no base URL", reason=failure.error)
        return problem_without_page(failure, http.correlation_id)
    if http.body is None:
        unreadable = MalformedRequest("the body is not base64")
        return problem_without_page(unreadable, http.correlation_id)
    reply: dict[str, Any] = adapter(mangum_event(browser), context)
    if http.method == "HEAD":
        # The same headers, the length included (RFC 9110 section 9.3.2).
        reply = {**reply, "body": "", "isBase64Encoded": False}
    return reply
