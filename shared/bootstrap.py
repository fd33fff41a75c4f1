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
from shared.store.session_table import SessionTable
from shared.tracing import spans

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.oidc.http_client import ProviderHttp
    from shared.oidc.logto import Logto
    from shared.oidc.provider import Provider
    from shared.store.refresh_lease import RefreshLeases
    from shared.store.revocation_table import RevocationTable


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
        sessions=SessionTable(calls),
        leases=_leases(calls),
        revocations=_revocations(calls),
        provider=provider,
        logto=logto,
        observer=observer(service),
        clock=clock,
        random=os.urandom,
        close_connections=close_connections,
    )


def _leases(calls: TableClient) -> "Callable[[], RefreshLeases]":
    @cache
    def leases() -> "RefreshLeases":
        from shared.store.refresh_lease import RefreshLeases

        return RefreshLeases(calls)

    return leases


def _revocations(calls: TableClient) -> "Callable[[], RevocationTable]":
    @cache
    def revocations() -> "RevocationTable":
        from shared.store.revocation_table import RevocationTable

        return RevocationTable(calls)

    return revocations
