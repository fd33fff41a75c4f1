"""Around every route: a time limit, the translation of errors, and the headers of every answer."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.auth.problems import problem_of, problem_of_status
from functions.auth.request import BrowserRequest
from functions.auth.responses import problem, secure_headers
from shared.errors import ProviderUnavailable, RevalidationRequired, SignInError
from shared.observability import SIGN_IN_FAILED
from shared.services import Services

ANSWER_SECONDS = 8.0
"""Time for an answer. A sign-out limits its own waiting: when it waits, the session has ended, and
no error may say otherwise."""

_SIGN_IN_PATHS = ("/sign-in", "/callback")


class Boundary:
    """ASGI middleware. No exception of a route passes it, so none is logged with its text."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = BrowserRequest.of(scope)
        secure = _with_headers(send, incoming.correlation_id)
        try:
            async with asyncio.timeout(None if scope["path"] == "/sign-out" else ANSWER_SECONDS):
                await self._app(scope, receive, secure)
        except TimeoutError:
            await self._refuse(incoming, ProviderUnavailable("no answer in time"), receive, secure)
        except SignInError as failure:
            await self._refuse(incoming, failure, receive, secure)
        except Exception as failure:  # noqa: BLE001 - the last resort, logged by type and place
            self._services.observer.fault(failure)
            await self._refuse(incoming, SignInError(), receive, secure)

    async def _refuse(
        self, incoming: BrowserRequest, failure: SignInError, receive: Receive, send: Send
    ) -> None:
        told = problem_of(failure)
        observer = self._services.observer
        log = observer.problem if told.status >= 500 else observer.event
        log("request refused", reason=failure.error, detail=str(failure), status=told.status)
        if incoming.path in _SIGN_IN_PATHS:
            observer.count(SIGN_IN_FAILED, reason=failure.error)
        sign_in_path = None
        if isinstance(failure, RevalidationRequired):
            sign_in_path = incoming.site.revalidation_path(failure.connector)
        response = problem(incoming, told, failure.error, sign_in_path=sign_in_path)
        await response(incoming.request.scope, receive, send)


async def refused(request: Request, failure: Exception) -> Response:
    """The answer to what the router refuses: an unknown path, another method."""
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    headers = failure.headers if isinstance(failure, HTTPException) else None
    response = problem(BrowserRequest(request), problem_of_status(status), f"http_{status}")
    response.headers.update(headers or {})
    return response


def _with_headers(send: Send, correlation_id: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            message["headers"] = list(message["headers"]) + [
                (name.encode(), value.encode())
                for name, value in secure_headers(correlation_id=correlation_id).items()
                if name.encode() not in present
            ]
        await send(message)

    return sending
