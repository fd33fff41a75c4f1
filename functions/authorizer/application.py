"""Decide on requests for API Gateway. The authorizer fails closed: every failure is a denial."""

import threading
from collections.abc import Callable
from typing import Any

from functions.authorizer.cookie import cookie_context
from functions.authorizer.request import AuthorizerRequest
from shared.errors import BearerRefused, SignInError
from shared.observability import REQUEST_DENIED
from shared.services import Services
from shared.web.http_api import HttpApiRequest

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def make_handler(services: Services) -> Handler:
    """Return a Lambda handler. Callers that send several events at once are answered in turn."""
    turn = threading.Lock()

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            return _answer(event, context, services.begin(services.limits.authorizer_seconds))

    return handler


def _answer(event: object, context: Any, services: Services) -> dict[str, Any]:
    observer = services.observer
    http = HttpApiRequest.of(event, base_url=services.settings.base_url)
    if not http.is_request:
        return {"isAuthorized": False}
    observer.begin(context, correlation_id=http.correlation_id)
    try:
        return {"isAuthorized": True, "context": _context(AuthorizerRequest.of(http), services)}
    except SignInError as failure:
        log = observer.event if failure.expected else observer.problem
        log("request denied", reason=failure.error, detail=str(failure))
        reason = failure.error
    except Exception as failure:  # noqa: BLE001 - no exception of any kind lets a request through
        observer.fault(failure)
        reason = "error"
    observer.count(REQUEST_DENIED, reason=reason)
    return {"isAuthorized": False}


def _context(request: AuthorizerRequest, services: Services) -> dict[str, Any]:
    """Return the context for the integration.

    A bearer token must be valid: a cookie beside it is ignored. If API Gateway caches answers by
    cookie only, it would later accept the cookie without the token, so such a token is refused.
    """
    if request.authorization is None:
        return cookie_context(request, services)
    if request.is_cached_without_bearer:
        raise BearerRefused("a bearer token at an authorizer that caches answers by cookie")
    # Imported only here: most requests have a cookie and need no JWT library.
    from functions.authorizer.bearer_token import bearer_context

    return bearer_context(request, services)
