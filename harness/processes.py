"""Processes of the functions, as Lambda would start them: the only place that builds one."""

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from functions.auth.application import make_handler as make_auth
from functions.authorizer.application import make_handler as make_authorizer
from functions.notifications.application import make_handler as make_notifications
from harness.patience import PATIENT
from shared.bootstrap import compose
from shared.clock import Timer
from shared.limits import Limits
from shared.oidc.client_secret import webhook_key
from shared.oidc.http_client import HttpClient
from shared.services import Services

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def _notifications(services: Services) -> Handler:
    key = webhook_key(
        services.settings, services.limits, lambda arn, fresh, deadline: "", services.clock
    )
    return make_notifications(services, key)


_MAKERS: Final[Mapping[str, Callable[[Services, asyncio.AbstractEventLoop], Handler]]] = {
    "auth": make_auth,
    "authorizer": lambda services, _: make_authorizer(services),
    "notifications": lambda services, _: _notifications(services),
}


@contextmanager
def composed(
    environment: Mapping[str, str],
    service: str,
    *,
    client: Any,
    clock: Callable[[], float],
    limits: Limits = PATIENT,
    timer: Timer | None = None,
    http: HttpClient | None = None,
) -> Iterator[Services]:
    """Compose the services of a process, and close what they opened when the context ends.

    `client` is boto3's for DynamoDB.
    """
    http = http or HttpClient(limits=limits, clock=clock)
    services = compose(
        environment,
        service=service,
        client=client,
        http=http,
        clock=clock,
        timer=timer,
        limits=limits,
    )
    log_to_stdout(service)
    try:
        yield services
    finally:
        http.close()


@contextmanager
def started(
    environment: Mapping[str, str], service: str, **parts: Any
) -> Iterator[tuple[Handler, Services]]:
    """Start a process of `auth`, `authorizer` or `notifications`: its handler and services.

    `parts` are those of `composed`.
    """
    loop = asyncio.new_event_loop()
    try:
        with composed(environment, service, **parts) as services:
            yield _MAKERS[service](services, loop), services
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _CurrentStdout:
    """Standard output at the time of each write: pytest gives every test its own."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def log_to_stdout(service: str) -> None:
    """Let a service's logger write to each test's own output, not to the first test's."""
    for handler in _stream_handlers(service):
        handler.stream = _CurrentStdout()


@contextmanager
def unlogged(*services: str) -> Iterator[None]:
    """Silence the loggers of these services, in a process whose output is another program's."""
    handlers = [handler for service in services for handler in _stream_handlers(service)]
    before = [handler.stream for handler in handlers]
    for handler in handlers:
        handler.stream = io.StringIO()
    try:
        yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.stream = stream


def _stream_handlers(service: str) -> list["logging.StreamHandler[Any]"]:
    handlers = logging.getLogger(service).handlers
    return [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]
