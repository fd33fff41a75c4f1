"""An API Gateway HTTP API on this machine: requests become payload 2.0 events, answers responses.

Source: the AWS documentation of HTTP API Lambda integrations, payload format 2.0, and its quotas.
"""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from local.authorizers import Invoke, Refused, authorize
from local.environments import InvocationFailed
from local.http_event import http_event
from local.template import Route

MAX_HEAD_BYTES: Final = 10_240
MAX_BODY_BYTES: Final = 6 * 1024 * 1024
"""Lambda's limit, which is smaller than API Gateway's own."""
FUNCTION_SECONDS: Final = 30.0
"""How long API Gateway waits for a function."""


class Gateway:
    """ASGI application. `fault` is the answer to every request while the code does not start."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        invoke: Invoke,
        *,
        base_url: str,
        log: Callable[[str], None],
    ) -> None:
        self._routes = routes
        self._base_url = base_url
        self._log = log
        self.invoke = invoke
        self.fault: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        self._log(f"{request.method} {_raw_path(request)} -> {response.status_code}")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self.fault is not None:
            return PlainTextResponse(f"The code does not start.\n\n{self.fault}", 502)
        target = _target(request)
        if self._came_by_address(request):
            # The registered redirect URI names `localhost`, and cookies belong to one host name.
            return RedirectResponse(f"{self._base_url}{target}", 307)
        head = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
        if head + len(target) > MAX_HEAD_BYTES:
            return _message(431, "Request Header Fields Too Large")
        body = await _body(request)
        if body is None:
            return _message(413, "Request Entity Too Large")
        for route in self._routes:
            parameters = route.match(request.method, request.scope["path"])
            if parameters is not None:
                return await self._run(request, route, parameters, body)
        return _message(404, "Not Found")

    def _came_by_address(self, request: Request) -> bool:
        host = request.headers.get("host", "")
        return (
            self._base_url.startswith("http://localhost:")
            and request.method in ("GET", "HEAD")
            and host.startswith(("127.0.0.1:", "[::1]:"))
        )

    async def _run(
        self, request: Request, route: Route, parameters: dict[str, str], body: bytes
    ) -> Response:
        event = event_of(request, route, parameters, body)
        context: dict[str, Any] = {}
        if route.authorizer is not None:
            try:
                context = await asyncio.to_thread(authorize, route.authorizer, event, self.invoke)
            except Refused as refused:
                return refused.response
            event["requestContext"]["authorizer"] = {"lambda": context}
        if route.relay is not None:
            return await route.relay.send(request, _rest(request, route), body, context)
        return await self._invoke(route, event)

    async def _invoke(self, route: Route, event: dict[str, Any]) -> Response:
        try:
            answer = await asyncio.to_thread(self.invoke, route.handler, event, FUNCTION_SECONDS)
            return response_of(answer)
        except InvocationFailed as failure:
            if failure.timed_out:
                return _message(503, "Service Unavailable")
        except (KeyError, TypeError, ValueError, AttributeError):
            self._log("the handler's answer is not one that API Gateway accepts")
        return _message(500, "Internal Server Error")


def event_of(
    request: Request, route: Route, parameters: dict[str, str], body: bytes
) -> dict[str, Any]:
    """Build the payload 2.0 event of a request."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return http_event(
        request.method,
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        headers=headers,
        cookies=cookies,
        body=body or None,
        route_key=route.key,
        path_parameters=parameters,
        domain="localhost",
        api_id="local",
        protocol=f"HTTP/{request.scope['http_version']}",
        source_ip=request.client.host if request.client else "127.0.0.1",
        request_id=base64.urlsafe_b64encode(uuid.uuid4().bytes[:11]).decode(),
        now=time.time(),
    )


def response_of(answer: Any) -> Response:
    """Build the HTTP response of a handler's answer. Without a status, the answer is the body."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return JSONResponse(answer)
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    response = Response(content, int(answer["statusCode"]), answer.get("headers") or {})
    for cookie in answer.get("cookies") or ():
        response.headers.append("set-cookie", cookie)
    return response


def _rest(request: Request, route: Route) -> str:
    """The value of the greedy variable in a route's path, as the client sent it."""
    return _raw_path(request).removeprefix(route.path.partition("{")[0])


def _target(request: Request) -> str:
    """The path and query as the client sent them.

    `request.url` would include the `Host` header, which may be anything.
    """
    query = request.scope["query_string"].decode("latin-1")
    return f"{_raw_path(request)}?{query}" if query else _raw_path(request)


def _raw_path(request: Request) -> str:
    path: bytes = request.scope["raw_path"]
    return path.decode("latin-1")


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _message(status: int, text: str) -> Response:
    return Response(
        json.dumps({"message": text}, separators=(",", ":")),
        status,
        media_type="application/json",
    )
