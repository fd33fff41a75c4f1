"""The authorizer over given services. It denies on any doubt, and whatever fails is a denial."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from functions.authorizer.bearer import bearer_context
from functions.authorizer.cookie import cookie_context
from functions.authorizer.request import AuthorizerRequest
from functions.authorizer.waiting import Waiting
from shared.errors import BearerRefused, SignInError
from shared.observability import REQUEST_DENIED
from shared.services import Services

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def make_handler(services: Services, loop: "AbstractEventLoop | None" = None) -> Handler:
    """A Lambda handler. What waits for Logto does so on one loop, so connections outlive it."""
    turn = threading.Lock()
    waiting = Waiting(loop)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with turn:
            return _answer(event, context, services, waiting)

    return handler


def _answer(
    event: dict[str, Any], context: Any, services: Services, waiting: Waiting
) -> dict[str, Any]:
    observer = services.observer
    try:
        asked = AuthorizerRequest.of(event, services.settings)
        observer.begin(
            correlation_id=asked.correlation_id,
            request_id=str(getattr(context, "aws_request_id", ""))[:64],
        )
        allowed = _context(asked, services, waiting)
    except SignInError as failure:
        log = observer.event if failure.denies_quietly else observer.problem
        log("request denied", reason=failure.error, detail=str(failure))
        return _denied(services, failure.error)
    except TimeoutError:
        observer.problem("request denied", reason="timeout")
        return _denied(services, "timeout")
    except Exception as failure:  # noqa: BLE001 - whatever it is, nobody is let in by it
        observer.fault(failure)
        return _denied(services, "error")
    return {"isAuthorized": True, "context": allowed}


def _context(asked: AuthorizerRequest, services: Services, waiting: Waiting) -> dict[str, Any]:
    """A bearer token is judged by itself: a cookie beside it makes up for nothing.

    An authorizer whose answers are kept by cookie would let the cookie in without the token.
    """
    if asked.authorization is not None:
        if asked.kept_without_bearer:
            raise BearerRefused("a bearer token at an authorizer that keeps answers by cookie")
        return waiting.result(bearer_context(asked, services))
    return cookie_context(asked, services, waiting)


def _denied(services: Services, reason: str) -> dict[str, Any]:
    services.observer.count(REQUEST_DENIED, reason=reason)
    return {"isAuthorized": False}
