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
from shared.bootstrap import compose
from shared.oidc.client_secret import webhook_key
from shared.oidc.http_client import TIMEOUT_SECONDS, ProviderHttp
from shared.services import Services

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
_MAKERS: Final[Mapping[str, Callable[[Services, asyncio.AbstractEventLoop], Handler]]] = {
    "auth": make_auth,
    "authorizer": make_authorizer,
    "notifications": lambda services, loop: make_notifications(
        services, webhook_key(services.settings, lambda arn, anew: ""), loop
    ),
}


@contextmanager
def composed(
    environment: Mapping[str, str],
    service: str,
    *,
    client: Any,
    clock: Callable[[], float],
    provider_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[tuple[Services, asyncio.AbstractEventLoop]]:
    """Compose the services of a process, and close what they opened when the context ends.

    `client` is boto3's for DynamoDB; `provider_seconds` limits each request to Logto.
    """
    loop = asyncio.new_event_loop()
    http = ProviderHttp(timeout_seconds=provider_seconds)
    services = compose(environment, service=service, client=client, http=http, clock=clock)
    log_to_stdout(service)
    try:
        yield services, loop
    finally:
        loop.run_until_complete(http.close())
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()


@contextmanager
def started(
    environment: Mapping[str, str], service: str, **parts: Any
) -> Iterator[tuple[Handler, Services]]:
    """Start a process of `auth`, `authorizer` or `notifications`: its handler and services.

    `parts` are those of `composed`.
    """
    with composed(environment, service, **parts) as (services, loop):
        yield _MAKERS[service](services, loop), services


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
