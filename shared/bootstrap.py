"""The composition root: clients, clock and randomness are made here, once per process."""

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.clock import Clock
from shared.observability import observer
from shared.services import Services
from shared.settings import Settings
from shared.store.dynamodb import LIMITS, TableClient, connect
from shared.store.session_table import Table
from shared.tracing import spans

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.oidc.http_client import ProviderHttp
    from shared.oidc.logto import Logto
    from shared.oidc.provider import Provider
    from shared.store.refresh_lease import TokenTable
    from shared.store.revocation_table import EndingTable


def compose(
    environment: Mapping[str, str],
    *,
    service: str,
    needs_app_secret: bool = True,
    client: "DynamoDBClient | None" = None,
    http: "ProviderHttp | None" = None,
    clock: Clock = time.time,
) -> Services:
    """The services of this process. Raises SettingsInvalid, so a bad deployment stops at start.

    What a function may do without is imported when first asked for: the SDK, the HTTP client and
    the frameworks cost more than all the rest. Whoever passes `http` closes it.
    """
    settings = Settings.from_environment(environment, needs_app_secret=needs_app_secret)
    span = spans(environment, service=service)
    table_client = client or connect()
    calls = TableClient(table_client, settings.table_name, span)

    @cache
    def pool() -> "ProviderHttp":
        from shared.oidc.http_client import ProviderHttp

        return http or ProviderHttp(span=span)

    @cache
    def provider() -> "Provider":
        from shared.oidc.provider import Provider

        return Provider(endpoint=settings.logto_endpoint, http=pool(), clock=clock)

    @cache
    def logto() -> "Logto":
        from shared.oidc.client_secret import SecretReader, app_secret
        from shared.oidc.logto import Logto

        return Logto(
            settings=settings,
            provider=provider(),
            http=pool(),
            secret=app_secret(settings, SecretReader(LIMITS)),
            clock=clock,
        )

    async def close_connections() -> None:
        table_client.close()
        if pool.cache_info().currsize:
            await pool().close()

    return Services(
        settings=settings,
        table=Table(calls),
        tokens=_tokens(calls),
        endings=_endings(calls),
        provider=provider,
        logto=logto,
        observer=observer(service),
        clock=clock,
        random=os.urandom,
        close_connections=close_connections,
    )


def _tokens(calls: TableClient) -> "Callable[[], TokenTable]":
    @cache
    def tokens() -> "TokenTable":
        from shared.store.refresh_lease import TokenTable

        return TokenTable(calls)

    return tokens


def _endings(calls: TableClient) -> "Callable[[], EndingTable]":
    @cache
    def endings() -> "EndingTable":
        from shared.store.revocation_table import EndingTable

        return EndingTable(calls)

    return endings
