"""Wrap every route: translate errors to responses, and add the security headers."""

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.auth.problems import problem_of, problem_of_status
from functions.auth.request import BrowserRequest
from functions.auth.responses import problem_response, secure_headers
from shared.errors import NotAllowed, ReauthenticationRequired, RevalidationRequired, SignInError
from shared.observability import SIGN_IN_FAILED, Observer

_SIGN_IN_PATHS = ("/sign-in", "/callback")


class Boundary:
    """ASGI middleware. It catches every exception, so that none is logged with its text."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        browser = BrowserRequest.of(HTTPConnection(scope))
        secure = _with_headers(send, browser.correlation_id)
        try:
            await self._app(scope, receive, secure)
        except SignInError as failure:
            await self._refused(browser, failure)(scope, receive, secure)
        except Exception as failure:  # noqa: BLE001 - logged without its text
            self._observer.fault(failure)
            await self._refused(browser, SignInError())(scope, receive, secure)

    def _refused(self, browser: BrowserRequest, failure: SignInError) -> Response:
        problem = problem_of(failure)
        log = self._observer.problem if problem.status >= 500 else self._observer.event
        log("request refused", reason=failure.error, detail=str(failure), status=problem.status)
        if browser.path in _SIGN_IN_PATHS:
            self._observer.count(SIGN_IN_FAILED, reason=failure.error)
        sign_in_path, switch = None, {}
        if isinstance(failure, RevalidationRequired | ReauthenticationRequired):
            sign_in_path = browser.site.revalidation_path(failure.connector)
        elif isinstance(failure, NotAllowed):
            switch = {"return_to": failure.return_to, "upstream": failure.login_url or ""}
        return problem_response(
            browser, problem, failure.error, sign_in_path=sign_in_path, switch=switch
        )


async def router_refusal(request: Request, failure: Exception) -> Response:
    """Answer a request for an unknown path or with a method that its route does not support."""
    status = failure.status_code if isinstance(failure, HTTPException) else 500
    headers = failure.headers if isinstance(failure, HTTPException) else None
    browser, problem = BrowserRequest.of(request), problem_of_status(status)
    response = problem_response(browser, problem, f"http_{status}")
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
