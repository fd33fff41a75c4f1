"""The composition root: clients, clock and randomness are made here, once per process."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.clock import Clock, Deadline, Timer
from shared.errors import Misconfigured
from shared.limits import Limits
from shared.observability import observer, spans
from shared.services import Services
from shared.settings import Settings
from shared.store.dynamodb import TableClient, connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.oidc.http_client import HttpClient
    from shared.oidc.logto import Logto
    from shared.oidc.provider import Provider
    from shared.store.revocation_queue import RevocationQueue


def compose(
    environment: Mapping[str, str],
    *,
    service: str,
    needs_app_secret: bool = True,
    client: "DynamoDBClient | None" = None,
    http: "HttpClient | None" = None,
    clock: Clock = time.time,
    timer: Timer | None = None,
    limits: Limits | None = None,
) -> Services:
    """Return the services of this process. Raises SettingsInvalid.

    What a function may do without is imported when it is first used: the SDK and the HTTP client
    cost more than all the rest. The caller closes the `http` that it passes.
    """
    settings = Settings.from_environment(environment, needs_app_secret=needs_app_secret)
    limits = limits or Limits()
    deadline = Deadline.after(limits.init_seconds, timer)
    span = spans(environment, service=service)
    table = TableClient(
        client=client or connect(limits),
        table=settings.table_name,
        limits=limits,
        deadline=deadline,
        span=span,
    )

    @cache
    def http_client() -> "HttpClient":
        from shared.oidc.http_client import HttpClient

        return http or HttpClient(limits=limits, clock=clock, span=span)

    @cache
    def provider() -> "Provider":
        from shared.oidc.provider import Provider

        return Provider(
            endpoint=settings.logto_endpoint, http=http_client(), clock=clock, limits=limits
        )

    @cache
    def logto() -> "Logto":
        from shared.oidc.client_secret import SecretReader, app_secret
        from shared.oidc.logto import Logto
        from shared.oidc.sdk import sdk_config

        return Logto(
            app_id=settings.logto_app_id,
            config=sdk_config(settings),
            provider=provider(),
            http=http_client(),
            secret=app_secret(settings, limits, SecretReader(limits), clock),
            clock=clock,
            deadline=deadline,
        )

    @cache
    def revocation_queue() -> "RevocationQueue":
        from shared.store import revocation_queue as queue

        if settings.revocation_queue_url is None:
            raise Misconfigured("REVOCATION_QUEUE_URL is not set")
        return queue.RevocationQueue(
            client=queue.connect(limits),
            url=settings.revocation_queue_url,
            limits=limits,
            deadline=deadline,
            span=span,
        )

    def close_connections() -> None:
        table.client.close()
        if revocation_queue.cache_info().currsize:
            revocation_queue().client.close()
        if http_client.cache_info().currsize:
            http_client().close()

    return Services(
        settings=settings,
        limits=limits,
        observer=observer(service),
        clock=clock,
        random=os.urandom,
        deadline=deadline,
        table=table,
        provider=provider,
        make_logto=logto,
        make_revocation_queue=revocation_queue,
        close_connections=close_connections,
    )
