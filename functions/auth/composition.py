"""The composition root: clients, clock and randomness are made here, once per process."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.app_secret import SecretReader, app_secret
from shared.observability import observer
from shared.provider import Clock, Provider
from shared.provider_http import ProviderHttp
from shared.services import Services
from shared.settings import Settings
from shared.table import LIMITS, Table, connect
from shared.tracing import spans

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from shared.logto_client import Logto

SERVICE = "auth"


def compose(
    environment: Mapping[str, str],
    *,
    client: "DynamoDBClient | None" = None,
    http: ProviderHttp | None = None,
    clock: Clock = time.time,
) -> Services:
    """The services of this process. Raises SettingsInvalid, so a bad deployment stops at start.

    Whoever passes `http` closes it; a Lambda process never does.
    """
    settings = Settings.from_environment(environment)
    span = spans(environment, service=SERVICE)
    pool = http or ProviderHttp(span=span)
    provider = Provider(endpoint=settings.logto_endpoint, http=pool, clock=clock)
    secret = app_secret(settings, SecretReader(LIMITS))

    @cache
    def logto() -> "Logto":
        # The SDK and what it imports cost more than all the rest: a page that does without
        # starts without.
        from shared.logto_client import Logto

        return Logto(settings=settings, provider=provider, http=pool, secret=secret, clock=clock)

    return Services(
        settings=settings,
        table=Table(client or connect(), settings.table_name, span),
        logto=logto,
        observer=observer(SERVICE),
        clock=clock,
        random=os.urandom,
    )
